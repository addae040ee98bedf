// Package version reads a cluster's version.
package version

import "fmt"

type Version struct{ major, minor, patch uint }

func ParseGeneric(text string) (*Version, error) {
	v := &Version{}
	_, err := fmt.Sscanf(text, "v%d.%d.%d", &v.major, &v.minor, &v.patch)
	return v, err
}

func (v *Version) Major() uint { return v.major }

func (v *Version) Minor() uint { return v.minor }

func (v *Version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }
