package engine

import (
	"time"

	"sluice/internal/definition"
)

// Summary is what everyone with a place in an application may know of it.
type Summary struct {
	Name    string
	Version uint64 // of the active definition, from 1
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
	Bound  string // hash of the bound module, empty for none
	Active bool   // the bound module decides; an inactive rule denies as a fault does
}
