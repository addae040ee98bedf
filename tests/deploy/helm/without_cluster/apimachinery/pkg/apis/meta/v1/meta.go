// Package v1 has the names of the meta types that a look-up mentions.
package v1

type GetOptions struct{}

type ListOptions struct{}

type APIResource struct {
	Name, Group, Version, Kind string
	Namespaced                 bool
}

type APIResourceList struct{ APIResources []APIResource }
