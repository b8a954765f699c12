// Package kitcheck holds tests of what `imerr-scan kit` prints against the code of those who read it: Prometheus' and
// VictoriaMetrics' parsers, Grafana's, Kubernetes' and the Prometheus operator's types, Compose's loader.
//
// It is a module of its own so that none of that becomes a dependency of the product: go test ./... from the root does not
// see it, .ci/run does. Its tests read files and the output of a build, so that the product's modules are none of its concern.
package kitcheck
