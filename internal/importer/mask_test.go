package importer

import (
	"context"
	"strings"
	"testing"

	"sluice/internal/record"
	"sluice/rules"
)

// TestH5_MaskedKeysFindNothing: a record whose key is masked for the viewer is not found
// by it (H5); the super admin, whom no mask binds, finds it.
func TestH5_MaskedKeysFindNothing(t *testing.T) {
	k := newDesk(t)
	masked := strings.Replace(deskDefinition, "permissionSets:", "customRules:\n  - {name: hide, form: Customer, effect: MASK, fields: [code]}\npermissionSets:", 1)
	out, err := k.e.Apply(t.Context(), k.as["sue"], []byte(masked), false)
	k.must(err)
	if len(out.Faults) > 0 {
		t.Fatal(out.Faults)
	}
	name := rules.Column{Name: "name", Type: record.Text}
	manifest := &rules.Manifest{ABI: 1, Form: "Customer", Effect: rules.Mask, Record: []rules.Column{name}, Mask: []string{"code"}}
	module, _ := k.double.Register("hide", manifest, func(_, row []record.Value) rules.Verdict {
		if string(row[0].Text()) == "hidden" {
			return rules.Verdict{}
		}
		return rules.Verdict{Visible: 1}
	})
	ctx := context.Background()
	m, err := k.e.UploadModule(ctx, k.as["sue"], "desk", "hide", module)
	k.must(err)
	_, err = k.e.BindModule(ctx, k.as["sue"], "desk", "hide", m.Hash)
	k.must(err)
	_, err = k.e.ActivateRule(ctx, k.as["sue"], "desk", "hide")
	k.must(err)
	k.load("sue", "Customer", "code,name,rep\nC1,shown,ann@example.com\nC2,hidden,ann@example.com\n", nil)
	k.load("ann", "Order", "number,customer.code\n1,C1\n", nil)
	r, err := k.run("ann", "Order", "number,customer.code\n2,C2\n3,C3\n", nil)
	if err != nil || r.Faulty != 2 || r.Faults[0].Message != r.Faults[1].Message {
		t.Errorf("%v %+v", err, r)
	}
	k.load("sue", "Order", "number,customer.code\n2,C2\n", nil)
}
