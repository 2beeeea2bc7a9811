#include "tests/support/scripted_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace pawl::test {

namespace {

bool send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

/// One request head, up to and with the empty line; "" when the client is gone.
std::string read_head(int socket, std::string& buffer) {
    while (true) {
        if (const auto end = buffer.find("\r\n\r\n"); end != std::string::npos) {
            auto head = buffer.substr(0, end + 4);
            buffer.erase(0, end + 4);
            return head;
        }
        std::array<char, 4096> chunk;
        const auto count = ::recv(socket, chunk.data(), chunk.size(), 0);
        if (count <= 0) return {};
        buffer.append(chunk.data(), static_cast<std::size_t>(count));
    }
}

/// The body behind `head`, as long as its Content-Length says; "" too when the client is gone.
std::string read_body(int socket, const std::string& head, std::string& buffer) {
    const std::string name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    const auto size = at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size()));
    std::array<char, 4096> chunk;
    while (buffer.size() < size) {
        const auto count = ::recv(socket, chunk.data(), chunk.size(), 0);
        if (count <= 0) return {};
        buffer.append(chunk.data(), static_cast<std::size_t>(count));
    }
    auto body = buffer.substr(0, size);
    buffer.erase(0, size);
    return body;
}

void reset_on_close(int socket) {
    const linger now{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace

ScriptedServer::ScriptedServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 256) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::system_error(errno, std::generic_category(), "scripted server");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_loop(); });
}

ScriptedServer::~ScriptedServer() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    }
    ending_.notify_all();
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
}

void ScriptedServer::on(const std::string& target, Script script) {
    const std::lock_guard lock(mutex_);
    scripts_[target] = std::move(script);
}

void ScriptedServer::on(const std::string& target, std::string_view body,
                        std::string_view headers) {
    on(target, ok(body, headers));
}

ScriptedServer::Script ScriptedServer::ok(std::string_view body, std::string_view headers) {
    std::string text = "HTTP/1.1 200 OK\r\n";
    text += headers;
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    text += body;
    return {{.what = Step::Do::send, .text = std::move(text)}};
}

void ScriptedServer::on_others(std::function<Script(const std::string& target)> answer) {
    const std::lock_guard lock(mutex_);
    others_ = std::move(answer);
}

std::string ScriptedServer::url(std::string_view target) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
}

std::vector<std::string> ScriptedServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void ScriptedServer::accept_loop() {
    while (true) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        const int yes = 1;
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        ++connections_;
        const std::lock_guard lock(mutex_);
        if (ended_) {
            ::close(socket);
            return;
        }
        open_.push_back(socket);
        threads_.emplace_back([this, socket] { serve(socket); });
    }
}

void ScriptedServer::serve(int socket) {
    std::string buffer;
    while (true) {
        auto head = read_head(socket, buffer);
        if (head.empty()) break;
        head += read_body(socket, head, buffer);
        if (!play(socket, script_for(head))) break;
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, socket);
    ::close(socket);
}

ScriptedServer::Script ScriptedServer::script_for(const std::string& head) {
    const auto start = head.find(' ') + 1;
    const auto target = head.substr(start, head.find(' ', start) - start);
    const std::lock_guard lock(mutex_);
    requests_.push_back(head);
    const auto found = scripts_.find(target);
    if (found != scripts_.end()) return found->second;
    if (others_) return others_(target);
    return {
        {.what = Step::Do::send, .text = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}};
}

bool ScriptedServer::play(int socket, const Script& script) {
    for (const auto& step : script) {
        switch (step.what) {
            case Step::Do::send:
                for (int i = 0; i < step.times; ++i)
                    if (!send_all(socket, step.text)) return false;
                break;
            case Step::Do::pause:
                if (!wait(step.wait)) return false;
                break;
            case Step::Do::drip:
                for (const char c : step.text)
                    if (!send_all(socket, {&c, 1}) || !wait(step.wait)) return false;
                break;
            case Step::Do::reset:
                reset_on_close(socket);
                return false;
            case Step::Do::close:
                return false;
        }
    }
    return true;
}

bool ScriptedServer::wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return !ending_.wait_for(lock, time, [this] { return ended_; });
}

}  // namespace pawl::test
