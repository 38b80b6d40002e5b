// Package peers measures one rule side by side: as a WebAssembly module in
// Sluice's sandbox, in the expression languages and policy engines that people
// embed in Go programs, and as plain Go. It is a module of its own, so that what
// it compares with is no dependency of the server.
//
// The rule is that of examples/rules/same-team-open-orders: an open order of the
// viewer's team of 1,000.00 or more. Every engine is given its inputs in the form
// that it likes best, made before the clock starts, and rules that it compiled
// beforehand; what is measured is deciding. The results differ in kind too: the
// sandbox runs code of strangers with a budget, the others run what an operator
// wrote.
//
//	cd bench/peers && go test -run '^$' -bench .
package peers
