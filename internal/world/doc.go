// Package world makes random worlds for tests: an application, its people and
// its records, small enough that the oracle can decide everything about them,
// and odd enough that something interesting happens. A world is a function of
// its seed and size.
//
// It also makes random filters and orders for a viewer, pairs of worlds that a
// viewer must not be able to tell apart, and the rule modules as Go functions.
package world
