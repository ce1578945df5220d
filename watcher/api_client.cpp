#include "watcher/api_client.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fairlead {
namespace {

constexpr long connect_timeout_ms = 10'000;
constexpr long keep_alive_idle_s = 30;  // a peer that vanished without a word is noticed within a minute
constexpr long keep_alive_interval_s = 10;
constexpr int keep_alive_probes = 3;
constexpr int unacknowledged_ms = 30'000;
constexpr long receive_buffer_bytes = 16 * 1024;  // thousands of watches may be open
constexpr std::size_t max_spare_handles = 16;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& text) {
  if (curl_slist* longer = curl_slist_append(list.get(), text.c_str()); longer != nullptr) {
    (void)list.release();
    list.reset(longer);
  }
}

class CurlClient;

// A request that is under way; curl keeps its address.
struct Transfer {
  CurlClient* client = nullptr;
  RequestId id = 0;
  Easy easy;
  List headers;
  bool head_told = false;
  std::array<char, CURL_ERROR_SIZE> error{};
};

int tune_socket(void*, curl_socket_t socket, curlsocktype) {
  // Failing to is no reason not to connect.
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &keep_alive_probes, sizeof keep_alive_probes);
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
  return CURL_SOCKOPT_OK;
}

class CurlClient final : public ApiClient {
 public:
  explicit CurlClient(const ApiConfig& config)
      : config_(config), token_(config.token, config.token_file), multi_(curl_multi_init()) {
    prepare_server_name();
  }

  ~CurlClient() override {
    for (auto& [id, transfer] : transfers_) {
      curl_easy_setopt(transfer->easy.get(), CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name to be resolved
      curl_multi_remove_handle(multi_.get(), transfer->easy.get());
    }
  }

  bool usable() const { return multi_ != nullptr; }

  void start(RequestId id, const ApiRequest& request) override;
  void cancel(RequestId id) override { (void)take(id); }
  void run(std::chrono::milliseconds wait, ApiListener& listener) override;
  void wake() override { curl_multi_wakeup(multi_.get()); }

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* transfer);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* transfer);

  void prepare_server_name();
  void set_request(Transfer& transfer, const ApiRequest& request);
  static void set_body(Transfer& transfer, const ApiRequest& request);
  void set_identity(CURL* easy) const;
  void finish(const CURLMsg& message);
  std::unique_ptr<Transfer> take(RequestId id);

  const ApiConfig config_;
  BearerToken token_;
  std::string url_;          // of the server, as it is put before a target
  std::string host_header_;  // "" = as the URL says
  List connect_to_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::unordered_map<RequestId, std::unique_ptr<Transfer>> transfers_;
  std::vector<Easy> spare_;
  ApiListener* listener_ = nullptr;  // while run() runs
};

// curl takes the name for SNI and for the certificate from the URL: so the URL carries it, and the connection is led to
// where the server is.
void CurlClient::prepare_server_name() {
  url_ = config_.server;
  if (config_.tls_server_name.empty() || !url_.starts_with("https://")) return;
  std::string authority = url_.substr(8);
  std::string path;
  if (const std::size_t slash = authority.find('/'); slash != std::string::npos) {
    path = authority.substr(slash);
    authority.resize(slash);
  }
  host_header_ = "Host: " + authority;
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  const std::string port = has_port ? authority.substr(colon + 1) : "443";
  if (!has_port) authority += ":443";
  url_ = "https://" + config_.tls_server_name + ":" + port + path;
  append(connect_to_, "::" + authority);
}

void CurlClient::start(RequestId id, const ApiRequest& request) {
  auto transfer = std::make_unique<Transfer>();
  transfer->client = this;
  transfer->id = id;
  if (spare_.empty()) {
    transfer->easy.reset(curl_easy_init());
  } else {
    transfer->easy = std::move(spare_.back());
    spare_.pop_back();
    curl_easy_reset(transfer->easy.get());
  }
  set_request(*transfer, request);
  if (request.method != "GET") set_body(*transfer, request);
  set_identity(transfer->easy.get());
  curl_multi_add_handle(multi_.get(), transfer->easy.get());
  transfers_[id] = std::move(transfer);
}

void CurlClient::set_request(Transfer& transfer, const ApiRequest& request) {
  CURL* easy = transfer.easy.get();
  append(transfer.headers, "Accept: application/json");
  if (!host_header_.empty()) append(transfer.headers, host_header_);
  if (const std::string& token = token_.current(); !token.empty()) {
    append(transfer.headers, "Authorization: Bearer " + token);
  }
  curl_easy_setopt(easy, CURLOPT_URL, (url_ + request.target).c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "fairlead/" FAIRLEAD_VERSION);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &CurlClient::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &CurlClient::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, receive_buffer_bytes);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  // Only watches of single objects share an HTTP/2 connection, for the sake of their number. libcurl 7.88 at times
  // forgets bytes of such a connection that it has read for one transfer while it served another: pages of a list stood
  // still until the silence was noticed, and watches that were opened together got their head late or not at all
  // ("Received HTTP/0.9 when not allowed"). Each collection has a connection of its own, so that what is served never
  // waits for that. Without TLS nothing says beforehand that there is no HTTP/2: all requests would wait for the answer
  // to the first.
  const bool shares = request.shares && url_.starts_with("https://");
  const long version = shares ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, shares ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, keep_alive_idle_s);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, keep_alive_interval_s);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &tune_socket);
}

// A body is small and is sent at once: asking for leave first (Expect: 100-continue) would only cost a round trip.
void CurlClient::set_body(Transfer& transfer, const ApiRequest& request) {
  CURL* easy = transfer.easy.get();
  append(transfer.headers, "Content-Type: " + request.content_type);
  append(transfer.headers, "Expect:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request.body.c_str());
}

void set_pem(CURL* easy, const PemSource& source, CURLoption file_option, CURLoption blob_option) {
  if (!source.file.empty()) {
    curl_easy_setopt(easy, file_option, source.file.c_str());  // read at each connect: rotation is noticed
  } else if (!source.pem.empty()) {
    curl_blob blob{const_cast<char*>(source.pem.data()), source.pem.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, blob_option, &blob);
  }
}

void CurlClient::set_identity(CURL* easy) const {
  set_pem(easy, config_.authority, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB);
  set_pem(easy, config_.client_certificate, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB);
  set_pem(easy, config_.client_key, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB);
  if (!config_.authority.empty()) curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // this authority and no other
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config_.verify_tls ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config_.verify_tls ? 2L : 0L);
  if (!config_.proxy_url.empty()) curl_easy_setopt(easy, CURLOPT_PROXY, config_.proxy_url.c_str());
}

std::size_t CurlClient::on_header(char* data, std::size_t size, std::size_t count, void* of) {
  Transfer& transfer = *static_cast<Transfer*>(of);
  const std::string_view line(data, size * count);
  if (line != "\r\n" && line != "\n") return line.size();
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || transfer.head_told) return line.size();
  transfer.head_told = true;
  if (status == 401) transfer.client->token_.distrust();
  transfer.client->listener_->on_head(transfer.id, static_cast<int>(status));
  return line.size();
}

std::size_t CurlClient::on_body(char* data, std::size_t size, std::size_t count, void* of) {
  const Transfer& transfer = *static_cast<Transfer*>(of);
  const std::string_view bytes(data, size * count);
  if (transfer.client->listener_->on_bytes(transfer.id, bytes)) return bytes.size();
  return 0;  // not what was given: curl ends the transfer
}

void CurlClient::run(std::chrono::milliseconds wait, ApiListener& listener) {
  listener_ = &listener;
  const auto bounded = std::clamp<std::chrono::milliseconds::rep>(wait.count(), 0, 60'000);
  curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(bounded), nullptr);
  int running = 0;
  curl_multi_perform(multi_.get(), &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) finish(*message);
  }
  listener_ = nullptr;
}

void CurlClient::finish(const CURLMsg& message) {
  Transfer* transfer = nullptr;
  curl_easy_getinfo(message.easy_handle, CURLINFO_PRIVATE, &transfer);
  const CURLcode code = message.data.result;
  ApiEnding ending;
  if (code != CURLE_OK) ending.error = transfer->error[0] != '\0' ? transfer->error.data() : curl_easy_strerror(code);
  ending.untrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(message.easy_handle, CURLINFO_RETRY_AFTER, &retry_after);
  constexpr curl_off_t most = 24 * 3600;
  ending.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(retry_after, 0, most));
  const std::unique_ptr<Transfer> ended = take(transfer->id);
  listener_->on_end(ended->id, ending);
}

std::unique_ptr<Transfer> CurlClient::take(RequestId id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return nullptr;
  std::unique_ptr<Transfer> transfer = std::move(found->second);
  transfers_.erase(found);
  curl_multi_remove_handle(multi_.get(), transfer->easy.get());
  if (spare_.size() < max_spare_handles) spare_.push_back(std::move(transfer->easy));
  return transfer;
}

}  // namespace

Result<std::unique_ptr<ApiClient>> ApiClient::create(const ApiConfig& config) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return Failure{"libcurl cannot be used: " + std::string(curl_easy_strerror(ready))};
  auto client = std::make_unique<CurlClient>(config);
  if (!client->usable()) return Failure{"libcurl cannot be used: out of memory"};
  return {boost::system::in_place_value, std::move(client)};
}

}  // namespace fairlead
