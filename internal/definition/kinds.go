package definition

// Kind names what a finding is about. Programs may branch on it; it never
// changes its meaning.
type Kind string

// The kinds of findings, each with what [Kinds] says of it.
const (
	RequiredUnwritable     Kind = "REQUIRED_UNWRITABLE"
	RequiredByNobody       Kind = "REQUIRED_BY_NOBODY"
	ReportsOmitFields      Kind = "REPORTS_OMIT_FIELDS"
	PortalSeesAll          Kind = "PORTAL_SEES_ALL"
	PersonalDataOfAll      Kind = "PERSONAL_DATA_OF_ALL"
	PersonalDataInPortal   Kind = "PERSONAL_DATA_IN_PORTAL"
	PersonalDataNew        Kind = "PERSONAL_DATA_NEW"
	PersonalDataUnmarked   Kind = "PERSONAL_DATA_UNMARKED"
	PersonalDataWidelyHeld Kind = "PERSONAL_DATA_WIDELY_HELD"
	ReachEmpty             Kind = "REACH_EMPTY"
	ChildWithoutParent     Kind = "CHILD_WITHOUT_PARENT"
	RightWithoutView       Kind = "RIGHT_WITHOUT_VIEW"
	RightWithoutFields     Kind = "RIGHT_WITHOUT_FIELDS"
	FormNeverShown         Kind = "FORM_NEVER_SHOWN"
	LookupUnreadable       Kind = "LOOKUP_UNREADABLE"
	LookupUnfillable       Kind = "LOOKUP_UNFILLABLE"
	UniqueMasked           Kind = "UNIQUE_MASKED"
	CriteriaContradict     Kind = "CRITERIA_CONTRADICT"
	CriteriaWritable       Kind = "CRITERIA_WRITABLE"
	SharingWritable        Kind = "SHARING_WRITABLE"
	SharingUnopened        Kind = "SHARING_UNOPENED"
	SharingLevelUnused     Kind = "SHARING_LEVEL_UNUSED"
	SharingSubsumed        Kind = "SHARING_SUBSUMED"
	SharingFieldUnfilled   Kind = "SHARING_FIELD_UNFILLED"
	RuleInputWritable      Kind = "RULE_INPUT_WRITABLE"
	RuleConcernsNobody     Kind = "RULE_CONCERNS_NOBODY"
	RuleWithoutModule      Kind = "RULE_WITHOUT_MODULE"
	RuleQuarantined        Kind = "RULE_QUARANTINED"
	MaskIdle               Kind = "MASK_IDLE"
	RestrictBindsAdmins    Kind = "RESTRICT_BINDS_ADMINS"
	UserUnknown            Kind = "USER_UNKNOWN"
	UserInactive           Kind = "USER_INACTIVE"
	UserWithoutPlace       Kind = "USER_WITHOUT_PLACE"
	HierarchyOff           Kind = "HIERARCHY_OFF"
	RoleMissing            Kind = "ROLE_MISSING"
	SetMissing             Kind = "SET_MISSING"
	RoleUnused             Kind = "ROLE_UNUSED"
	SetUnused              Kind = "SET_UNUSED"
	PeersAlone             Kind = "PEERS_ALONE"
	PageUnusable           Kind = "PAGE_UNUSABLE"
	StoredRecords          Kind = "STORED_RECORDS"
	TestsToRun             Kind = "TESTS_TO_RUN"
	TestVacuous            Kind = "TEST_VACUOUS"
	MoreFindings           Kind = "MORE_FINDINGS"
)

// KindInfo describes a kind of findings.
type KindInfo struct {
	Kind     Kind
	Severity Severity // of the built-in sets Read and Write, Info at most
	Says     string
}

// Kinds lists every kind of finding, in the order of the documentation.
func Kinds() []KindInfo {
	return []KindInfo{
		{RequiredUnwritable, Warning, "a set may add to a form and not write a required field without default: every create fails"},
		{RequiredByNobody, Warning, "no set that may add to a form can write one of its required fields"},
		{ReportsOmitFields, Warning, "the reports that a set opens all leave out a field that the set shows: columns hide nothing"},
		{PortalSeesAll, Warning, "a portal set has VIEW_ALL"},
		{PersonalDataOfAll, Warning, "a set shows `pii` or `ephi` fields of every record"},
		{PersonalDataInPortal, Warning, "a portal set shows `pii` or `ephi` fields"},
		{PersonalDataNew, Warning, "a field is `pii` or `ephi` since this version, and a set that was there before names it: its holders see it at once"},
		{PersonalDataUnmarked, Warning, "a field is `pii` or `ephi` no more, and sets that hid it show it now"},
		{PersonalDataWidelyHeld, Info, "at least 20 users and half of all hold a set that shows `pii` or `ephi` fields (told to admins)"},
		{ReachEmpty, Warning, "a right on a report reaches no record: none can be the holder's own, nobody's are shared"},
		{ChildWithoutParent, Warning, "a right on a child form takes one on its parent that the set does not give"},
		{RightWithoutView, Warning, "a right that takes VIEW stands where the set does not view"},
		{RightWithoutFields, Warning, "a set may add or edit records of a form and write none of its fields"},
		{FormNeverShown, Info, "a set lists fields of a form that it neither opens nor adds to"},
		{LookupUnreadable, Info, "a set shows a lookup to a form that it does not open: it is not in their schema"},
		{LookupUnfillable, Warning, "a set may add to a form whose required lookup leads to a form that it does not open"},
		{UniqueMasked, Warning, "a mask may hide a unique field from those who write it: they meet conflicts that nothing explains"},
		{CriteriaContradict, Warning, "no record can match the criteria of a report or rule"},
		{CriteriaWritable, Warning, "holders may write a field that the criteria of a report read: they move records in and out"},
		{SharingWritable, Warning, "holders may write a field that a sharing rule reads: they change who is let in"},
		{SharingUnopened, Warning, "a sharing rule gives nothing: no receiver's set opens a report of the form"},
		{SharingLevelUnused, Info, "a sharing rule's level gives more than any set of the document takes up"},
		{SharingSubsumed, Info, "another sharing rule gives all that this one gives"},
		{SharingFieldUnfilled, Info, "a rule by field, whose field no set of the document may write"},
		{RuleInputWritable, Warning, "those whom a custom rule concerns may write a field that its module reads"},
		{RuleConcernsNobody, Warning, "a custom rule concerns sets that do not open its form"},
		{RuleWithoutModule, Info, "no active module fills a custom rule: it counts against access"},
		{RuleQuarantined, Warning, "the module that fills a custom rule is in quarantine for its faults: it counts against access, or its fallback decides"},
		{MaskIdle, Info, "a mask hides a field that everyone concerned is denied already"},
		{RestrictBindsAdmins, Info, "a RESTRICT rule removes records from admins too"},
		{UserUnknown, Warning, "a rule names an address that grants nothing"},
		{UserInactive, Warning, "a rule names a user who is not active (told to admins)"},
		{UserWithoutPlace, Warning, "a rule names a user without a place in the application (told to admins)"},
		{HierarchyOff, Info, "roles below the root have subordinates while `hierarchy` is off"},
		{RoleMissing, Warning, "somebody holds a role that the document does not have: they have no access until they are given another"},
		{SetMissing, Warning, "somebody holds a permission set that the document does not have: they have no access until they are given another"},
		{RoleUnused, Info, "nobody holds a role that no role reports to"},
		{SetUnused, Info, "nobody holds a permission set of the document"},
		{PeersAlone, Info, "a role shares with peers and has one user (told to admins)"},
		{PageUnusable, Warning, "a set opens a page that asks for something outside the set's schema: it fails for every holder"},
		{StoredRecords, Info, "stored records are checked, or indexes built, when the version is applied"},
		{TestsToRun, Info, "applying runs permission tests first"},
		{TestVacuous, Warning, "a permission test finds nobody, or no record, to be tested on (told by `apply`)"},
		{MoreFindings, Info, "more than 1,000 findings: the least severe are counted, not listed"},
	}
}

var severities = func() map[Kind]Severity {
	m := map[Kind]Severity{}
	for _, k := range Kinds() {
		m[k.Kind] = k.Severity
	}
	return m
}()
