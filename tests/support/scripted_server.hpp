#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace pawl::test {

/// An HTTP server that says, byte for byte, what a test tells it to, faults included. On a free
/// port of 127.0.0.1, with a thread per connection; the destructor closes everything.
class ScriptedServer {
  public:
    struct Step {
        enum class Do : std::uint8_t {
            send,   ///< `text`, as it is, `times` times
            pause,  ///< for `wait`, or until the server ends
            drip,   ///< `text` byte by byte with `wait` between
            close,  ///< an orderly end of the connection
            reset,  ///< RST
        };
        Do what = Do::send;
        std::string text = {};
        std::chrono::milliseconds wait{0};
        int times = 1;
    };
    using Script = std::vector<Step>;

    ScriptedServer();
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    /// What to do for a request of `target` ("/a?b=1"). Others are answered 404. After the script
    /// the connection is kept.
    void on(const std::string& target, Script script);
    /// 200 with a Content-Length. `headers` are whole lines, each with its "\r\n".
    void on(const std::string& target, std::string_view body, std::string_view headers = {});

    /// What to do for a target that has no script. Called from several threads, one at a time.
    void on_others(std::function<Script(const std::string& target)> answer);
    /// A script that sends 200, as `on` does.
    [[nodiscard]] static Script ok(std::string_view body, std::string_view headers = {});

    [[nodiscard]] std::string url(std::string_view target = "") const;
    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] int connections() const { return connections_; }
    /// All requests so far, heads with the bodies behind them, in order of arrival.
    [[nodiscard]] std::vector<std::string> requests() const;

  private:
    void accept_loop();
    void serve(int socket);
    [[nodiscard]] bool play(int socket, const Script& script);  // false: the connection is over
    [[nodiscard]] bool wait(std::chrono::milliseconds time);    // false: the server ends
    [[nodiscard]] Script script_for(const std::string& head);

    int listener_ = -1;
    int port_ = 0;
    std::atomic<int> connections_{0};
    mutable std::mutex mutex_;
    std::condition_variable ending_;
    bool ended_ = false;
    std::map<std::string, Script> scripts_;
    std::function<Script(const std::string& target)> others_;
    std::vector<std::string> requests_;
    std::vector<int> open_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace pawl::test
