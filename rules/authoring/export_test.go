package authoring

// ClangFlags are the flags of a build from C.
func ClangFlags() []string { return clangFlags }
