package definition

import "go.yaml.in/yaml/v3"

// lines finds where the parts of a definition stand in its text. Parts of lists
// are found by their name, values of lists of texts by themselves.
type lines struct {
	root  *yaml.Node
	names map[*yaml.Node]map[string]*yaml.Node // of sequences
}

func newLines(source string) *lines {
	l := &lines{names: map[*yaml.Node]map[string]*yaml.Node{}}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(source), &n); err == nil && len(n.Content) == 1 {
		l.root = n.Content[0]
	}
	return l
}

// of returns the line of the deepest part that the steps lead to, 0 where a list
// has no part of the name: a set or report that the document does not write.
func (l *lines) of(steps []string) int {
	line, at := 0, l.root
	for _, step := range steps {
		if at == nil {
			break
		}
		next, found := l.step(at, step)
		switch {
		case next == nil && at.Kind == yaml.SequenceNode:
			return 0
		case next == nil:
			return line
		}
		line, at = found, next
	}
	return line
}

// step returns what a step leads to and where it begins.
func (l *lines) step(at *yaml.Node, step string) (next *yaml.Node, line int) {
	switch at.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(at.Content); i += 2 {
			if k := at.Content[i]; k.Value == step {
				return at.Content[i+1], k.Line
			}
		}
	case yaml.SequenceNode:
		if l.names[at] == nil {
			l.names[at] = namesOf(at)
		}
		if n := l.names[at][step]; n != nil {
			return n, n.Line
		}
	}
	return nil, 0
}

func namesOf(sequence *yaml.Node) map[string]*yaml.Node {
	m := make(map[string]*yaml.Node, len(sequence.Content))
	for _, item := range sequence.Content {
		if item.Kind == yaml.ScalarNode {
			m[item.Value] = item
			continue
		}
		for i := 0; i+1 < len(item.Content); i += 2 {
			if item.Kind == yaml.MappingNode && item.Content[i].Value == "name" {
				m[item.Content[i+1].Value] = item
			}
		}
	}
	return m
}
