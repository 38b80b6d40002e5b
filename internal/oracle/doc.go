// Package oracle answers, slowly and plainly, what the engine must answer fast:
// who may see and do what. It was written from the access model alone, without
// the engine, and shares no code with it, so that the two can be compared on
// random worlds.
//
// It has no cache and no index: each question walks users, roles, reports and
// rules. Where the access model is silent, a comment that starts with
// "Decision" says what is assumed here.
package oracle
