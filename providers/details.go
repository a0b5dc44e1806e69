package providers

// Details are what only one provider understands of a payment: a struct of that provider's package,
// or a pointer to one. They marshal in one way.
type Details interface {
	// IsZero reports whether there are none.
	IsZero() bool
}

// DetailsAs are details of a provider's own type D, zero where there are none of it.
func DetailsAs[D any](d Details) D {
	if own, ok := any(d).(D); ok {
		return own
	}
	if own, ok := any(d).(*D); ok && own != nil {
		return *own
	}
	var none D
	return none
}
