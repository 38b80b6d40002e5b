package definition

// Name returns the name of the application that a document is for, and every
// fault of the document where the name cannot be told.
func Name(source []byte) (string, []Fault) {
	r := &resolver{app: &Application{}}
	if root, ok := r.parse(source); ok {
		if o, ok := r.object(root, topKeys...); ok {
			if name := r.name(o, "application", applicationName); name != "" {
				return name, nil
			}
		}
	}
	_, faults := Resolve(source, Context{})
	return "", faults
}
