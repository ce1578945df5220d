module fairlead.dev/tests/echo-server

go 1.24.0
