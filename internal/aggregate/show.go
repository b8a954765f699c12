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

// Empty reports whether no event was counted or filtered, and nothing near one was seen.
func (t *Tally) Empty() bool {
	return len(t.codes) == 0 && t.unknown.count == 0 && t.filtered == 0 && t.hints.total == 0
}
