using System.Text.Json;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Cli.Tests;

public class OutputTests
{
    private static readonly Key s_key = Key.HashOf("greeting");
    private static readonly Key[] s_nodes = [Key.HashOf("first"), Key.HashOf("second"), Key.HashOf("third")];

    private static readonly PutReceipt s_receipt = new()
    {
        Key = s_key,
        Version = new RecordVersion(0x0123, 0x4567),
        Holders = s_nodes,
        ReplicasAsked = 5,
    };

    [Fact]
    public void Receipt_for_people_says_what_and_where()
    {
        string[] lines = ReceiptText.Human("stored greeting (5 bytes)", s_receipt).Split('\n');

        Assert.Equal("stored greeting (5 bytes) on 3 of 5 nodes", lines[0]);
        Assert.Equal($"key      {s_key}", lines[1]);
        Assert.Equal("version  0000000000000123-0000000000004567", lines[2]);
        Assert.Equal(s_nodes.Select(node => $"held by  {node}"), lines[3..]);
    }

    [Fact]
    public void Receipt_of_a_write_without_a_majority_says_so()
    {
        PutReceipt receipt = s_receipt with { IsDegraded = true };
        Assert.Contains("\ndegraded ", ReceiptText.Human("stored", receipt), StringComparison.Ordinal);
        Assert.DoesNotContain("degraded", ReceiptText.Human("stored", s_receipt), StringComparison.Ordinal);
        Assert.True(Parse(ReceiptText.Json(null, 5, receipt)).GetProperty("isDegraded").GetBoolean());
        Assert.False(Parse(ReceiptText.Json(null, 5, s_receipt)).GetProperty("isDegraded").GetBoolean());
    }

    [Fact]
    public void Receipt_for_programs_has_all_of_it()
    {
        JsonElement receipt = Parse(ReceiptText.Json(new RecordName("a \"name\"\n"), 5, s_receipt));

        Assert.Equal("a \"name\"\n", receipt.GetProperty("name").GetString());
        Assert.Equal(5, receipt.GetProperty("bytes").GetInt32());
        Assert.Equal(s_key.ToString(), receipt.GetProperty("key").GetString());
        Assert.Equal(5, receipt.GetProperty("replicasAsked").GetInt32());
        Assert.Equal(
            s_nodes.Select(node => node.ToString()),
            receipt.GetProperty("holders").EnumerateArray().Select(holder => holder.GetString()));
    }

    [Theory]
    [InlineData(GetOutcome.Absent, ExitCode.NotFound, "absent")]
    [InlineData(GetOutcome.Deleted, ExitCode.NotFound, "deleted")]
    [InlineData(GetOutcome.Expired, ExitCode.NotFound, "expired")]
    [InlineData(GetOutcome.Unreachable, ExitCode.Unreachable, "unreachable")]
    public void Get_without_a_value_fails_and_says_which_it_was(GetOutcome outcome, int exitCode, string kind)
    {
        var result = new GetResult { Key = s_key, Outcome = outcome };
        CommandFailure? failure = GetText.Failure(new RecordName("greeting"), result);

        Assert.NotNull(failure);
        Assert.Equal((exitCode, kind), (failure.ExitCode, failure.Kind));
        Assert.Contains("'greeting'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Get_that_reached_no_replica_says_what_was_tried()
    {
        var result = new GetResult
        {
            Key = s_key,
            Outcome = GetOutcome.Unreachable,
            Trouble = "8 requests failed",
        };
        string nobody = GetText.Failure(new RecordName("greeting"), result)!.Message;
        Assert.Contains("no replica was asked: 8 requests failed", nobody, StringComparison.Ordinal);
        Assert.DoesNotContain("0 of 0", nobody, StringComparison.Ordinal);
        result = result with { ReplicasAsked = 5, ReplicasAnswered = 2 };
        string some = GetText.Failure(new RecordName("greeting"), result)!.Message;
        Assert.Contains("only 2 of 5 replicas", some, StringComparison.Ordinal);
    }

    [Fact]
    public void Get_for_programs_has_text_as_text_and_bytes_in_base64()
    {
        Assert.Equal("Grüße\n", Parse(Get("Grüße\n"u8.ToArray())).GetProperty("value").GetString());
        byte[] binary = [0xff, 0, 0xfe];
        JsonElement result = Parse(Get(binary));
        Assert.Equal(binary, result.GetProperty("valueBase64").GetBytesFromBase64());
        Assert.False(result.TryGetProperty("value", out _));
    }

    [Fact]
    public void Status_shows_the_store_and_every_trouble()
    {
        var status = new DhtStatus
        {
            Attachment = DhtAttachment.EmbeddedMember,
            NodeId = s_nodes[0],
            Ring = RingStanding.Alone("connection refused at 127.0.0.1:1"),
            Troubles =
            [
                new Trouble(TroubleKinds.Alone, "the node is alone"),
                new Trouble(TroubleKinds.Disk, "the disk is full"),
            ],
            Neighbours = s_nodes[1..],
            Store = new StoreStatus
            {
                Records = 7,
                LiveBytes = 2048,
                DamagedRecords = 2,
            },
        };
        string text = StatusText.Human(status);
        JsonElement json = Parse(StatusText.Json(status));

        Assert.Contains(s_nodes[0].ToString(), text, StringComparison.Ordinal);
        Assert.Contains("records     7\n", text, StringComparison.Ordinal);
        Assert.Contains("2 KiB alive", text, StringComparison.Ordinal);
        Assert.Contains("the node is alone; the disk is full", text, StringComparison.Ordinal);
        Assert.Contains("alone: connection refused at 127.0.0.1:1", text, StringComparison.Ordinal);
        Assert.Equal(7, json.GetProperty("store").GetProperty("records").GetInt64());
        Assert.Equal(2, json.GetProperty("neighbours").GetArrayLength());
        Assert.Equal("alone", json.GetProperty("ring").GetString());
        Assert.False(json.GetProperty("isHealthy").GetBoolean());
        Assert.Equal(
            ["alone", "disk"],
            json.GetProperty("troubles").EnumerateArray().Select(t => t.GetProperty("kind").GetString()));
    }

    [Theory]
    [InlineData(5, false, "nodes       5\nlinks       40 of at most 128\nupkeep      87 bytes/s\n")]
    [InlineData(
        1234.4,
        true,
        "nodes       about 1234\nlinks       40 of at most 128; busy, takes only new neighbours\n")]
    public void Status_shows_how_large_the_ring_is_and_what_it_takes(double nodes, bool isBusy, string shown)
    {
        var status = new DhtStatus
        {
            Attachment = DhtAttachment.EmbeddedMember,
            NodeId = s_nodes[0],
            Ring = RingStanding.Joined,
            Figures = new OverlayFigures(40, 128, isBusy, nodes, 86.66),
        };
        JsonElement json = Parse(StatusText.Json(status));

        Assert.Contains(shown, StatusText.Human(status), StringComparison.Ordinal);
        Assert.Equal(Math.Round(nodes), json.GetProperty("ringSizeEstimate").GetDouble());
        Assert.Equal(40, json.GetProperty("links").GetInt32());
        Assert.Equal(128, json.GetProperty("linksMax").GetInt32());
        Assert.Equal(isBusy, json.GetProperty("isBusy").GetBoolean());
        Assert.Equal(86.7, json.GetProperty("upkeepBytesPerSecond").GetDouble());
    }

    [Fact]
    public void Ready_line_starts_with_ready_and_the_addresses()
    {
        var status = new DhtStatus
        {
            Attachment = DhtAttachment.EmbeddedMember,
            NodeId = s_nodes[0],
            Addresses = ["127.0.0.1:7001"],
            Socket = "/run/igor.sock",
        };

        Assert.Equal(
            $"ready 127.0.0.1:7001 node={s_nodes[0]} socket=/run/igor.sock", ReadyText.Human(status));
    }

    [Theory]
    [InlineData(0, "0 bytes")]
    [InlineData(1, "1 byte")]
    [InlineData(1023, "1023 bytes")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(1024 * 1024, "1 MiB")]
    [InlineData(long.MaxValue, "8388608 TiB")]
    public void Bytes_are_shown_in_the_unit_that_suits(long bytes, string text)
    {
        Assert.Equal(text, Quantity.Bytes(bytes));
    }

    [Fact]
    public void Name_that_is_no_text_is_shown_as_what_it_is()
    {
        byte[] bytes = [(byte)'k', 0xff, 0x1b, (byte)'['];
        var name = new RecordName(ArgumentBytes.FromBytes(bytes));
        Assert.Equal("k\\xff\\x1b[", name.ToString());
        Assert.Equal(bytes, name.Bytes);
        JsonElement json = Parse(ReceiptText.Json(name, 0, s_receipt));
        Assert.False(json.TryGetProperty("name", out _));
        Assert.Equal(bytes, json.GetProperty("nameBase64").GetBytesFromBase64());
    }

    [Fact]
    public void Control_characters_of_others_do_not_reach_the_terminal()
    {
        using var streams = new MemoryStreams();
        streams.Streams.WriteErrorLine("node 1 refuses: \x1b]0;owned\x07\nigor-dht: stored\u202e");
        Assert.Equal("node 1 refuses: \\x1b]0;owned\\x07 igor-dht: stored\\u202e\n", streams.ErrorText);

        var failure = CommandFailure.Usage("\u007f\u009b\x1b\u2028");
        streams.Streams.WriteErrorLine(FailureText.Json(failure, 1, failure.Message));
        string json = streams.ErrorText.TrimEnd('\n').Split('\n')[^1];
        Assert.DoesNotContain(json, char.IsControl);
        Assert.Equal(
            failure.Message, Parse(json).GetProperty("error").GetProperty("message").GetString());
    }

    private static string Get(byte[] value) => GetText.Json(
        new RecordName("greeting"),
        new GetResult { Key = s_key, Outcome = GetOutcome.Found, Value = value },
        includesValue: true);

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
