// Package demo fills an empty store with the organization Zylker: people of
// every kind, the application sales, a few thousand records and two active rule
// modules. It goes through the directory and the engine like everybody else, so
// that nothing in it is possible that a tenant could not do.
package demo
