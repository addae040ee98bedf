// Package rest would say how to reach a cluster.
package rest

type Config struct{}
