//go:build tools

// Package tools pins the Temporal command, and with it the server inside it, by go.sum.
package tools

import _ "github.com/temporalio/cli/cmd/temporal"
