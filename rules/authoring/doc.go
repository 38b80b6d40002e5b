// Package authoring is what the author of a custom rule does before an upload:
// [New] writes a project, [Project.Build] compiles it offline with the tools of
// the machine, [ReadCases] and [Ask] hold a module to its cases, and [Measure]
// times it. It runs modules through a [rules.Runner] that the caller opens, so
// that a case meets the same sandbox, limits and fuel as a query.
package authoring
