package engine

import (
	"time"

	"sluice/internal/definition"
)

// Summary is what everyone with a place in an application may know of it.
type Summary struct {
	Name    string
	Version uint64 // of the active definition, from 1
	// Quarantined are the custom rules that are on and whose active version is in
	// quarantine, by name; always empty for who may not define the application.
	Quarantined []string
}

// Applied is the outcome of applying or checking a definition. With Faults
// nothing was changed and Application is nil; otherwise it is the version now
// active, or after a check the one that applying would make.
type Applied struct {
	Application *definition.Application
	// Unchanged says that the document is the active version already: no version
	// was made, and Application is the active one.
	Unchanged bool
	Findings  []definition.Finding // none where there are Faults
	Faults    []definition.Fault
}

// Module is an uploaded rule module of an application. Modules are immutable
// and named by their hash; Name is the label that the uploader gave.
type Module struct {
	Hash     string // 64 lower-case hex digits
	Name     string
	Size     int // bytes of the module as uploaded
	Uploaded time.Time
}

// RuleState is a custom rule of the active definition with what fills it.
type RuleState struct {
	Rule   string
	Form   string
	Effect definition.Effect
	// Bound is the hash of the module that decides, or for a rule that is off of the
	// one that activation would let decide; empty for none.
	Bound  string
	Active bool // Bound decides; an inactive rule denies as a fault does
	// Next is the hash of the module that was bound beside the one that decides and
	// takes its place with activation; empty for none, and for a rule that is off.
	Next string
	// Quarantine is that of Bound, nil for none.
	Quarantine *RuleQuarantine
	// Fallback decides while Bound is in quarantine, nil for none.
	Fallback *RuleFallback
}
