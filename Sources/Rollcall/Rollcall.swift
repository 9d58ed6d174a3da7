// The room Rollcall.
