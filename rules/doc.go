// Package rules is the contract of a custom rule: its [Manifest], the [Batch]
// it is asked about, the [Verdict] it gives, and the [Runner] that runs it. It
// knows neither storage nor WebAssembly execution: a runner is handed values
// and hands back verdicts.
//
// A rule is a WebAssembly module with a manifest inside it, in the custom
// section [ManifestSection]. [Embed] puts a manifest there, [ReadManifest] takes
// it out, and [HashOf] names the version. The file abi.md describes what passes
// between host and guest.
//
// A verdict is closed by construction: the zero Verdict grants nothing, lets
// nothing through and shows no maskable field, and [Manifest.Accept] turns
// every answer out of range into a zero verdict with a fault.
package rules
