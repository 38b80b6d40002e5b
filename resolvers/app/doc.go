// Package app runs operations on an application's schema: it compiles the
// selection into a plan once, weighs what the plan may cost, loads records level
// by level in batches, and writes the answer as JSON straight from the records.
//
// Documents come here parsed, guarded and validated against the schema that
// they run on. Records come from an [Op], which has cut them to what the viewer
// may see; nothing here decides on access.
package app
