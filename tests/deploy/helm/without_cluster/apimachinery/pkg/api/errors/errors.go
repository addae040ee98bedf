// Package errors tells what a cluster did not find.
package errors

// IsNotFound is true of nothing: no cluster is asked.
func IsNotFound(error) bool { return false }
