// Package gateway is where requests come in: per operation it finds out who
// asks, which rights they have and which schema follows from them, guards the
// document, and hands it to the executor. Nothing behind it sees HTTP.
package gateway
