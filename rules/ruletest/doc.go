// Package ruletest holds what tests of rules need: [Double], a runner that runs
// native Go functions in place of WebAssembly modules, and [Run], the kit that
// every [rules.Runner] passes. It is imported by tests only.
package ruletest
