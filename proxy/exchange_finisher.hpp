#pragma once

#include "proxy/serve.hpp"

namespace fairlead {

// Finishes an Exchange once: at the latest when it is cut off, its coroutines and all.
class ExchangeFinisher {
 public:
  explicit ExchangeFinisher(ClientSide& client) : client_(client) {}
  ~ExchangeFinisher() {
    if (finished_) return;
    if (!client_.response.head_sent()) exchange().record.status = 499;
    now();
  }
  ExchangeFinisher(const ExchangeFinisher&) = delete;
  ExchangeFinisher& operator=(const ExchangeFinisher&) = delete;

  Exchange& exchange() { return client_.exchange; }
  void now() {
    finish(client_);
    finished_ = true;
  }

 private:
  ClientSide& client_;
  bool finished_ = false;
};

}  // namespace fairlead
