package policy

var verdictNames = [...]string{"NOT_ASKED", "REFUSES", "OPENS", "GRANTS", "PASSES", "REMOVES"}

// String returns the name that the API uses.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return verdictNames[NotAsked]
}

var stepNames = [...]string{
	"NONE", "PLACE", "STANDING", "REPORT", "OWNER", "BELOW", "ROOT", "PEERS", "SHARING_RULE", "SHARE_MODULE", "PARENT",
	"HIDING", "RESTRICT_MODULE", "VIEW", "FORM", "FIELD", "MASK_MODULE", "EDIT", "OWNER_CHANGE",
}

// String returns the name that the API uses.
func (k StepKind) String() string {
	if int(k) < len(stepNames) {
		return stepNames[k]
	}
	return stepNames[NoStep]
}
