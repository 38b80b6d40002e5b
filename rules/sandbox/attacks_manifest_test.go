package sandbox

import (
	"strings"

	"sluice/rules"
)

// manifestAttacks are good modules whose manifest lies or is none.
func manifestAttacks() (out []attack) {
	good := string(share().Marshal())
	change := func(name, reason, from, to string) {
		if !strings.Contains(good, from) {
			panic("the manifest has no " + from)
		}
		out = append(out, attack{name: name, module: ok().build(), manifest: strings.Replace(good, from, to, 1), refused: reason})
	}
	whole := func(name, reason, manifest string) {
		out = append(out, attack{name: name, module: ok().build(), manifest: manifest, refused: reason})
	}
	column := `{"name":"n","type":"integer"}`
	whole("an array", "manifest: : expected {", `[]`)
	whole("nothing but a space", "not well-formed JSON", " ")
	whole("null", "expected {", "null")
	whole("an object cut short", "not well-formed JSON", good[:len(good)-1])
	whole("two objects", "nothing after the object", good+good)
	whole("not UTF-8", "expected UTF-8", strings.Replace(good, "Order", "\xff", 1))
	whole("one byte too many", "65537 bytes, at most 65536", good+strings.Repeat(" ", rules.MaxManifest+1-len(good)))
	whole("deep arrays", "unknown key", `{"x":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+"}")
	whole("deep arrays of columns", "record[0]: expected {", `{"record":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+"}")
	whole("no keys", "abi: expected 1", `{}`)
	change("abi 0", "abi: expected 1", `"abi":1`, `"abi":0`)
	change("abi 2", "abi: expected 1", `"abi":1`, `"abi":2`)
	change("abi of 2^64+1", "abi: expected a whole number", `"abi":1`, `"abi":18446744073709551617`)
	change("abi of a half", "abi: expected a whole number", `"abi":1`, `"abi":1.5`)
	change("abi as a text", "abi: expected a whole number", `"abi":1`, `"abi":"1"`)
	change("abi twice", "abi: given twice", `"abi":1`, `"abi":1,"abi":1`)
	change("a key by an escape twice", "abi: given twice", `"abi":1`, `"abi":1,"\u0061bi":1`)
	change("a key in capitals", "unknown key", `"abi"`, `"ABI"`)
	change("a key of the host", "unknown key", `"abi":1`, `"abi":1,"fuel":1000000000`)
	change("no form", "form: expected a name", `"Order"`, `""`)
	change("a form with a line break", "form: expected a name", `"Order"`, `"Or\nder"`)
	change("a form of half a surrogate pair, twice as long", "form: expected a name", `"Order"`, `"`+strings.Repeat(`\ud800`, 60)+`"`)
	change("an effect that is none", "effect: expected share, restrict or mask", `"share"`, `"grant"`)
	change("no effect", "effect: expected share, restrict or mask", `"share"`, `""`)
	change("a grant that is none", "grant: expected view, edit or delete", `"edit"`, `"admin"`)
	change("a share of nothing", "grant: expected view, edit or delete", `"grant":"edit",`, ``)
	change("a restrict that grants", "grant: expected view, edit or delete for a share rule", `"share"`, `"restrict"`)
	change("a mask that grants", "grant: expected view, edit or delete for a share rule", `"share"`, `"mask"`)
	change("a share that masks", "mask: expected 1 to 64 fields for a mask rule", `"abi":1`, `"abi":1,"mask":["n"]`)
	change("a scale on an integer", "record[0].scale: expected 0 to 9, for decimals only", column, `{"name":"n","type":"integer","scale":2}`)
	change("a scale of 10", "record[0].scale: expected a whole number from 0 to 9", column, `{"name":"n","type":"decimal","scale":10}`)
	change("a scale below 0", "record[0].scale: expected a whole number from 0 to 9", column, `{"name":"n","type":"decimal","scale":-1}`)
	change("a scale of 256", "record[0].scale: expected a whole number from 0 to 9", column, `{"name":"n","type":"decimal","scale":256}`)
	change("a type that is none", "record[0].type: expected a field type", `"integer"`, `"pointer"`)
	change("a file", "record[0].type: files are not passed to rules", `"integer"`, `"file"`)
	change("a column twice", "record[1].name: \"n\" is named twice", column, column+","+column)
	change("65 columns", "record: at most 64 entries", column, strings.Repeat(column+",", 64)+column)
	change("256 reasons", "reasons: at most 255 entries", `"one"`, strings.Repeat(`"one",`, 254)+`"one"`)
	change("an empty reason", "reasons[0]: expected 1 to 200 bytes of printable text", `"one"`, `""`)
	change("a reason that writes backwards", "reasons[0]: expected 1 to 200 bytes of printable text", `"one"`, `"\u202eone"`)
	change("a reason of 201 bytes", "reasons[0]: expected 1 to 200 bytes of printable text", `"one"`, `"`+strings.Repeat("x", 201)+`"`)
	two := ok()
	two.tail = manifestSection(good)
	return append(out,
		attack{name: "two manifests", module: two.build(), refused: "two manifests"},
		attack{name: "an array of masks for a mask without any", module: ok().build(), manifest: `{"abi":1,"form":"Order","effect":"mask","mask":[]}`, refused: "mask: expected 1 to 64 fields"},
		attack{name: "a mask of a field twice", module: ok().build(), manifest: `{"abi":1,"form":"Order","effect":"mask","mask":["n","n"]}`, refused: "named twice"},
	)
}
