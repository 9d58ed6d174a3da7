// The room LocalNode.
