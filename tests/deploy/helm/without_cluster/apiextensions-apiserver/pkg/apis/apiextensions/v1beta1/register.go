// Package v1beta1 registers nothing: see scheme.
package v1beta1

import "k8s.io/client-go/kubernetes/scheme"

func AddToScheme(scheme.Known) error { return nil }
