// Package policy is the pure core of the access engine: it compiles a
// definition, makes views of it for viewers, and decides. No I/O, no clock, no
// logger; the outcome of a custom rule is an argument.
//
// [Compile] turns a definition into a [Policy], once per version. [Policy.View]
// makes the rights of one viewer. A [View] answers two ways: [View.Reach] gives
// the set of records as a tree that a planner turns into index ranges, and
// [View.Decide] judges one record without building the tree. Both say the same;
// a property test holds them together.
//
// Everything here denies by default: the zero value of every type, an unknown
// form, action or kind of viewer, a record that is not there. The model itself is described in
// docs/access-model.md; numbers such as C3 in comments are its statements.
package policy
