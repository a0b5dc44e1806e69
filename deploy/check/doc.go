// Package check holds the files of deploy/ to the programs that read them: Kubernetes' own types,
// Compose's own loader, BuildKit's own parser and linter. It is a module of its own, so that their
// hundreds of modules never enter that of remesa.
//
//	go -C deploy/check test ./...
package check
