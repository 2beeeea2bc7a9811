#include "tests/support/name_server.hpp"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "tests/support/own_mounts.hpp"

namespace pawl::test {

namespace asio = boost::asio;
using udp = asio::ip::udp;
using namespace std::string_view_literals;

namespace {

constexpr std::uint32_t first_address = (127u << 24) + (53u << 16) + 1;  // 127.53.0.1
constexpr std::uint32_t addresses = 200;                                 // as many of these at once on one host
constexpr asio::ip::port_type dns_port = 53;

// What is mounted, on the file as this thread and its children see it.
const std::array<const char*, 2> files{"/etc/resolv.conf", "/etc/nsswitch.conf"};

// RFC 1035, 4.1: twelve bytes of header, then the question: labels up to an empty one, type and class.
constexpr std::size_t header_bytes = 12;
constexpr auto answered = "\x81\x80\0\x01\0\0\0\0\0\0"sv;      // after the id; one question
constexpr auto with_answer = "\x81\x80\0\x01\0\x01\0\0\0\0"sv;
constexpr auto no_name = "\x81\x83\0\x01\0\0\0\0\0\0"sv;
constexpr auto type_a = "\0\x01"sv;
constexpr auto loopback_record = "\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01"sv;  // of the name in the question, to be kept 0 s

std::size_t question_end(std::string_view message) {
    const auto name_end = message.find('\0', header_bytes);
    return name_end == std::string_view::npos ? message.size() : std::min(name_end + 5, message.size());
}

}  // namespace

NameServer::NameServer() : socket_(io_, udp::v4()) {
    listen();
    see_own_mounts();
    std::ofstream(directory_.path() / "resolv.conf")
        << "nameserver " << socket_.local_endpoint().address().to_string() << "\n";
    std::ofstream(directory_.path() / "nsswitch.conf") << "hosts: files dns\n";
    for (const std::filesystem::path file : files)
        must(::mount((directory_.path() / file.filename()).c_str(), file.c_str(), nullptr, MS_BIND, nullptr), file.c_str());
    core::spawn(io_.get_executor(), "name server", serve());
    thread_ = std::thread([this] { io_.run(); });
}

NameServer::~NameServer() {
    io_.stop();
    thread_.join();
    for (const auto* file : files) ::umount2(file, MNT_DETACH);
}

void NameServer::listen() {
    ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
    boost::system::error_code taken;
    for (std::uint32_t i = 0; i < addresses; ++i) {
        socket_.bind({asio::ip::address_v4(first_address + i), dns_port}, taken);
        if (!taken) return;
    }
    throw std::system_error(taken.value(), std::generic_category(), "listen on port 53");
}

core::Task<> NameServer::serve() {
    std::array<char, 512> message{};  // longer ones are not sent over UDP
    while (true) {
        udp::endpoint client;
        const auto buffer = asio::buffer(message);
        const auto size = co_await socket_.async_receive_from(buffer, client, asio::use_awaitable);
        ++asked_;
        const auto reply = reply_to({message.data(), size});
        if (reply.empty()) continue;
        const auto bytes = asio::buffer(reply);
        co_await socket_.async_send_to(bytes, client, asio::use_awaitable);
    }
}

std::string NameServer::reply_to(std::string_view question) const {
    const auto how = how_.load();
    const auto end = question_end(question);
    if (how == Answer::none || end < header_bytes + 5) return {};
    const auto asked = question.substr(header_bytes, end - header_bytes);
    const bool has = how == Answer::loopback && asked.substr(asked.size() - 4, 2) == type_a;
    std::string reply(question.substr(0, 2));
    reply += how == Answer::no_such_name ? no_name : has ? with_answer : answered;
    reply += asked;
    if (has) reply += loopback_record;
    return reply;
}

}  // namespace pawl::test
