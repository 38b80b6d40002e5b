// Sluice is a GraphQL backend for application data that many people share and
// not everyone may see. This file is the only place that knows which storage
// driver and which sandbox the binary has; internal/command does the rest.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"sluice/internal/command"
	"sluice/rules"
	"sluice/rules/sandbox"
	"sluice/storage"
	"sluice/storage/badgerstore"
)

func main() {
	if code, child := sandbox.Child(os.Args[1:]); child {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Run(ctx, &command.Env{
		Parts: command.Parts{OpenStore: openStore, NewRules: newRules, ServeRules: serveRules}, Args: os.Args[1:],
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
	})
	stop()
	os.Exit(code)
}

func openStore(dir string, warn func(string)) (*storage.Store, error) {
	return badgerstore.Open(dir, &badgerstore.Options{
		Events: badgerstore.Events{Warning: warn, Failed: func(err error) { warn("no more changes are taken: " + err.Error()) }},
	})
}

func newRules() (rules.Runner, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error), func() error, error) {
	runner, err := sandbox.New(nil)
	if err != nil {
		return nil, nil, nil, err
	}
	return runner, inspect, runner.Close, nil
}

func inspect(ctx context.Context, module []byte) (*rules.Manifest, rules.Hash, error) {
	info, err := sandbox.Inspect(ctx, module)
	return info.Manifest, info.Hash, err
}

func serveRules(ctx context.Context, dir string, warn func(string)) (rules.Runner, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error), func() error, error) {
	cache, err := sandbox.OpenCache(ctx, dir, &sandbox.CacheOptions{Events: sandbox.CacheEvents{
		Warning: warn,
		Refused: func(err error) { warn("a module was not compiled: " + err.Error()) },
	}})
	if err != nil {
		return nil, nil, nil, err
	}
	runner, err := sandbox.New(&sandbox.Options{Cache: cache})
	if err != nil {
		return nil, nil, nil, err
	}
	inspect := func(ctx context.Context, module []byte) (*rules.Manifest, rules.Hash, error) {
		info, err := cache.Inspect(ctx, module)
		return info.Manifest, info.Hash, err
	}
	return runner, inspect, runner.Close, nil
}
