// Package storage keeps records, indexes, documents and the change log of
// tenants over a small driver.
package storage
