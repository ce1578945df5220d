// Calls that gRPC's interoperability tests do not make: compressed and large ones, streams that a server or a client ends early.
//
//	calls -serve ADDRESS          the server of the interoperability tests; says on standard output how each stream ended
//	calls -target ADDRESS CASE    one case; says what happened, and exits with 1 when that was wrong
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

const anySize = 64 << 20

func serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(anySize),
		grpc.StreamInterceptor(func(of any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			err := handle(of, stream)
			fmt.Println("stream ended:", status.Code(err))
			return err
		}))
	testgrpc.RegisterTestServiceServer(server, interop.NewTestServer())
	return server.Serve(listener)
}

func unary(client testgrpc.TestServiceClient, size int, options ...grpc.CallOption) error {
	options = append(options, grpc.MaxCallRecvMsgSize(anySize))
	answer, err := client.UnaryCall(context.Background(), &testgrpc.SimpleRequest{
		ResponseSize: int32(size), Payload: &testgrpc.Payload{Body: make([]byte, size)}}, options...)
	if err == nil && len(answer.Payload.Body) != size {
		err = fmt.Errorf("%d bytes came back of %d", len(answer.Payload.Body), size)
	}
	return err
}

// echo opens a stream and has one message answered.
func echo(ctx context.Context, client testgrpc.TestServiceClient) (testgrpc.TestService_FullDuplexCallClient, error) {
	stream, err := client.FullDuplexCall(ctx)
	if err != nil {
		return nil, err
	}
	return stream, again(stream)
}

func again(stream testgrpc.TestService_FullDuplexCallClient) error {
	err := stream.Send(&testgrpc.StreamingOutputCallRequest{
		ResponseParameters: []*testgrpc.ResponseParameters{{Size: 1000}}, Payload: &testgrpc.Payload{Body: make([]byte, 1000)}})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

// finish waits for the status, which is the stream's last word.
func finish(stream testgrpc.TestService_FullDuplexCallClient) error {
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != io.EOF {
		return fmt.Errorf("the stream did not end: %v", err)
	}
	return nil
}

// held has one message answered and then waits for how the stream ends.
func held(client testgrpc.TestServiceClient) error {
	stream, err := echo(context.Background(), client)
	if err != nil {
		return err
	}
	fmt.Println("streaming")
	_, err = stream.Recv()
	fmt.Println("ended:", status.Code(err))
	return nil
}

func cancelled(client testgrpc.TestServiceClient) error {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := echo(ctx, client)
	cancel()
	return err
}

// many holds streams open beside each other, and lets each echo several messages.
func many(client testgrpc.TestServiceClient) error {
	const streams, messages = 200, 20
	failures := make(chan error, streams)
	var all sync.WaitGroup
	for i := 0; i < streams; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			stream, err := echo(context.Background(), client)
			for sent := 1; err == nil && sent < messages; sent++ {
				err = again(stream)
			}
			if err == nil {
				err = finish(stream)
			}
			failures <- err
		}()
	}
	all.Wait()
	for i := 0; i < streams; i++ {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}

func run(address, name string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := testgrpc.NewTestServiceClient(connection)
	switch name {
	case "compressed":
		return unary(client, 100_000, grpc.UseCompressor(gzip.Name))
	case "large":
		return unary(client, 20<<20)
	case "held":
		return held(client)
	case "cancelled":
		return cancelled(client)
	case "many":
		return many(client)
	}
	return fmt.Errorf("there is no case %q", name)
}

func main() {
	served := flag.String("serve", "", "address to serve at")
	target := flag.String("target", "", "address to call")
	flag.Parse()
	var err error
	if *served != "" {
		err = serve(*served)
	} else {
		err = run(*target, flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
