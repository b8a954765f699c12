package config

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Setting is a value that holds, and who says so.
type Setting struct {
	Key    string `json:"key"`    // limits[0].window
	Value  any    `json:"value"`  // a string, number, bool or list of these; *** is a secret
	Origin string `json:"origin"` // default, imerr-scan.yaml:12, "environment IMERR_LANG" or --lang
}

// Effective returns all that holds, in the order of the documentation. A key that has no default and was not set is left
// out. A secret is ***, an address is shown up to its host.
func (c *Config) Effective() []Setting { return flattenNode(nil, "", c.shown) }

func flattenNode(all []Setting, key string, n *yaml.Node) []Setting {
	switch {
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			all = flattenNode(all, join(key, n.Content[i].Value), n.Content[i+1])
		}
		return all
	case n.Kind == yaml.SequenceNode && n.Style&yaml.FlowStyle == 0:
		for i, item := range n.Content {
			all = flattenNode(all, element(key, i), item)
		}
		return all
	case n.Kind == yaml.SequenceNode:
		values := []any{}
		for _, item := range n.Content {
			values = append(values, valueOf(item))
		}
		return append(all, Setting{key, values, strings.TrimPrefix(n.LineComment, "# ")})
	}
	return append(all, Setting{key, valueOf(n), strings.TrimPrefix(n.LineComment, "# ")})
}

// valueOf undoes scalarNode.
func valueOf(n *yaml.Node) any {
	if n.Tag == "!!str" {
		return strings.ReplaceAll(n.Value, "$${", "${")
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return n.Value
	}
	return v
}

// YAML returns all that holds as a configuration, with the origin of each value as a comment behind it. Load takes it
// again, once the secrets, which are ***, are filled in.
func (c *Config) YAML() []byte {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(c.shown); err != nil {
		panic("config: " + err.Error()) // the tree is ours
	}
	return b.Bytes()
}

// origin says who set key.
func (l *loader) origin(key string) string {
	at, ok := l.where[key]
	switch {
	case !ok:
		return "# default"
	case at.line == 0:
		return "# " + printable(at.source)
	}
	parts := []string{printable(at.source) + ":" + strconv.Itoa(at.line)}
	for _, name := range at.vars {
		parts = append(parts, "${"+name+"}")
	}
	return "# " + strings.Join(parts, ", ")
}
