package definition

import (
	"strings"

	"sluice/internal/record"
)

// currencies holds the codes of ISO 4217 by the places of their smaller unit.
// Codes of funds, metals and tests are left out.
var currencies = func() map[string]uint8 {
	m := map[string]uint8{}
	for places, codes := range map[uint8]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
		3: "BHD IQD JOD KWD LYD OMR TND",
		2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
			CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS
			KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
			PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
			TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`,
	} {
		for _, code := range strings.Fields(codes) {
			m[code] = places
		}
	}
	return m
}()

// readCurrency reads the code of a currency field, whose scale is that of the
// currency unless the document says otherwise.
func (r *resolver) readCurrency(o object, x *Field) {
	switch {
	case x.Type != record.Currency:
		if o.has("currency") {
			r.fail(o.of("currency"), "only a field of type currency has a currency")
		}
	case r.require(o, "currency"):
		x.Currency = r.text(o, "currency", maxName)
		places, ok := currencies[x.Currency]
		if !ok && x.Currency != "" {
			r.fail(o.of("currency"), "expected a code of ISO 4217 such as EUR")
		}
		if !o.has("scale") {
			x.Scale = places
		}
	}
}
