package aggregate

// ShowUser is how a user id appears in an output: pii is that of ResultOptions.
func ShowUser(id, pii string) string {
	switch {
	case id == "" || pii == "drop":
		return ""
	case pii == "plain":
		return id
	case pii == "hash":
		return shortHash(hashUser(id))
	}
	return mask(id)
}
