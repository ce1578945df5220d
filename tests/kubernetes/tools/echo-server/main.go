// echo-server answers every request with what it heard, as JSON: the backend of the tests on a real node.
//
//	echo-server        listens on PORT (3000) of ADDRESS (all)
//	echo-server pause  does nothing, and buries orphans: what keeps a pod's namespaces, and the first process of the node
//
// GET /health says 200; POST /health/bad makes it say 503, and POST /health/good again 200.
//
// On SIGTERM it finishes what is under way, as a pod should; DRAIN (a time such as 2s) lets it take new requests that long before.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// mostDelay is the longest that a request may ask to be waited for.
const mostDelay = 10 * time.Second

type heard struct {
	Path      string              `json:"path"`
	Host      string              `json:"host"`
	Method    string              `json:"method"`
	Proto     string              `json:"proto"`
	Headers   map[string][]string `json:"headers"`
	BodyBytes int64               `json:"bodyBytes"`
	Peer      string              `json:"peer"`
	Namespace string              `json:"namespace"`
	Ingress   string              `json:"ingress"`
	Service   string              `json:"service"`
	Pod       string              `json:"pod"`
}

func echo(answer http.ResponseWriter, request *http.Request) {
	size, err := io.Copy(io.Discard, request.Body)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	if delay, err := time.ParseDuration(request.URL.Query().Get("delay")); err == nil {
		time.Sleep(min(delay, mostDelay))
	}
	peer, _, _ := net.SplitHostPort(request.RemoteAddr)
	body, err := json.Marshal(heard{
		Path: request.URL.Path, Host: request.Host, Method: request.Method, Proto: request.Proto, Headers: request.Header,
		BodyBytes: size, Peer: peer, Namespace: os.Getenv("NAMESPACE"), Ingress: os.Getenv("INGRESS_NAME"),
		Service: os.Getenv("SERVICE_NAME"), Pod: os.Getenv("POD_NAME")})
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	answer.Header().Set("Content-Type", "application/json")
	answer.Header().Set("Content-Length", fmt.Sprint(len(body)))
	answer.Write(body)
}

func serve() error {
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	var unwell atomic.Bool
	http.HandleFunc("GET /health", func(answer http.ResponseWriter, _ *http.Request) {
		if unwell.Load() {
			answer.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("POST /health/{state}", func(_ http.ResponseWriter, request *http.Request) {
		unwell.Store(request.PathValue("state") == "bad")
	})
	http.HandleFunc("/", echo)
	server := &http.Server{Addr: net.JoinHostPort(os.Getenv("ADDRESS"), port)}
	stopped := make(chan error)
	go func() {
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
		<-ended
		if drain, err := time.ParseDuration(os.Getenv("DRAIN")); err == nil {
			time.Sleep(drain)
		}
		stopped <- server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return <-stopped
}

func pause() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if dead, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || dead <= 0 {
				break
			}
		}
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "pause" {
		pause()
		return
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "echo-server:", err)
		os.Exit(1)
	}
}
