// Package schema names a kind of object.
package schema

type GroupVersion struct{ Group, Version string }

func (gv GroupVersion) String() string { return gv.Group + "/" + gv.Version }

type GroupVersionKind struct{ Group, Version, Kind string }

func (gvk GroupVersionKind) GroupVersion() GroupVersion { return GroupVersion{gvk.Group, gvk.Version} }

func (gvk GroupVersionKind) String() string {
	return gvk.Group + "/" + gvk.Version + ", Kind=" + gvk.Kind
}

type GroupVersionResource struct{ Group, Version, Resource string }

// FromAPIVersionAndKind keeps the version whole: no cluster is asked for it.
func FromAPIVersionAndKind(apiVersion, kind string) GroupVersionKind {
	return GroupVersionKind{Version: apiVersion, Kind: kind}
}
