// Package storetest is the conformance kit of storage: RunStore for what package
// storage promises over any driver, Run for what a driver promises. Tests import
// it, nothing else does.
package storetest
