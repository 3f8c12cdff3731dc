// runc-capped is runc for a host without CAP_SYS_RESOURCE: it takes that capability, and OOM scores below zero, out of a
// container's specification, and then becomes runc.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const runc = "/usr/sbin/runc"

func main() {
	if err := lower(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runc-capped:", err)
		os.Exit(1)
	}
	err := syscall.Exec(runc, append([]string{"runc"}, os.Args[1:]...), os.Environ())
	fmt.Fprintln(os.Stderr, "runc-capped:", runc, err)
	os.Exit(1)
}

// lower rewrites the specification that the command names: a bundle's config.json, or the process of an exec.
func lower(arguments []string) error {
	if slices.Contains(arguments, "create") || slices.Contains(arguments, "run") {
		bundle := option(arguments, ".", "--bundle", "-b")
		return rewrite(filepath.Join(bundle, "config.json"), func(spec map[string]any) any { return spec["process"] })
	}
	if process := option(arguments, "", "--process", "-p"); slices.Contains(arguments, "exec") && process != "" {
		return rewrite(process, func(spec map[string]any) any { return spec })
	}
	return nil
}

func option(arguments []string, value string, names ...string) string {
	for place, argument := range arguments {
		name, rest, joined := strings.Cut(argument, "=")
		if !slices.Contains(names, name) {
			continue
		}
		if joined {
			value = rest
		} else if place+1 < len(arguments) {
			value = arguments[place+1]
		}
	}
	return value
}

func rewrite(path string, processOf func(map[string]any) any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber() // limits are 64 bits wide
	if err := decoder.Decode(&spec); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	process, there := processOf(spec).(map[string]any)
	if !there {
		return nil
	}
	if sets, there := process["capabilities"].(map[string]any); there {
		for kind, set := range sets {
			if names, there := set.([]any); there {
				sets[kind] = slices.DeleteFunc(names, func(name any) bool { return name == "CAP_SYS_RESOURCE" })
			}
		}
	}
	if score, there := process["oomScoreAdj"].(json.Number); there && strings.HasPrefix(score.String(), "-") {
		process["oomScoreAdj"] = 0
	}
	changed, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(path, changed, 0o600)
}
