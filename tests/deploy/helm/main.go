// Renders a chart as `helm template` does, with Helm's own loader, schema check and engine, and prints a JSON object
// of template to text. Unlike it, a value that a template reads and nobody gave is an error.
//
//	render CHART RELEASE NAMESPACE [VALUES.yaml ...]
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

func run(path, release, namespace string, files []string) (map[string]string, error) {
	chart, err := loader.Load(path)
	if err != nil {
		return nil, err
	}
	if err := chart.Validate(); err != nil {
		return nil, err
	}
	given := chartutil.Values{}
	for _, file := range files {
		values, err := chartutil.ReadValuesFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		given = chartutil.CoalesceTables(values, given)
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, IsInstall: true, Revision: 1}
	values, err := chartutil.ToRenderValues(chart, given, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(chart, values)
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "render CHART RELEASE NAMESPACE [VALUES.yaml ...]")
		os.Exit(2)
	}
	rendered, err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(rendered)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "render: %v\n", err)
		os.Exit(1)
	}
}
