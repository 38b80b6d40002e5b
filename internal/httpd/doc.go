// Package httpd puts the parts of a running server together behind one
// http.Handler: the two GraphQL surfaces, the playground, health, and the setup
// of a server that has no organization yet.
package httpd
