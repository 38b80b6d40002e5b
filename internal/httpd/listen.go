package httpd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// drain is how long requests in flight may take to end when the server stops.
const drain = 15 * time.Second

// Serve answers requests on l until ctx ends, then lets those in flight finish; a
// handler that has a method Drain ends by it what would not end by itself, and one
// that has a method Keep runs it beside the requests. It closes l.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	defer keep(context.WithoutCancel(ctx), h)() // requests may end later than ctx
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		if d, ok := h.(interface{ Drain(ctx context.Context) }); ok {
			d.Drain(stop)
		}
	}()
	err := srv.Shutdown(stop)
	<-drained
	if serve := <-done; err == nil && !errors.Is(serve, http.ErrServerClosed) {
		err = serve
	}
	return err
}

// keep runs what a handler does beside requests, if there is such a thing; what it
// returns ends that.
func keep(ctx context.Context, h http.Handler) (end func()) {
	k, ok := h.(interface{ Keep(ctx context.Context) })
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		k.Keep(ctx)
	}()
	return func() {
		cancel()
		<-kept
	}
}
