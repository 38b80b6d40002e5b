// Package console is the playground: a page with GraphiQL, its explorer, history
// and documentation, that shows the schema as one viewer sees it.
//
// The page is built from src/ by "npm ci && npm run build". What the build makes
// is committed compressed under dist/ and embedded, so that the server needs
// nothing but Go; SHA256SUMS lists the uncompressed files, and check.sh rebuilds
// and compares. The page loads nothing from other hosts and sends requests only
// to the two kinds of path of this server: /graphql and
// /apps/{application}/graphql. Tokens stay in the page's memory.
package console
