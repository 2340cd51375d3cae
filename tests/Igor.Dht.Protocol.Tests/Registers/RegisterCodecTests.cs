using CsCheck;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Tests.Registers;

public class RegisterCodecTests
{
    private static readonly Gen<Key> s_key = Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong, Gen.ULong)
        .Select((a, b, c, d) => new Key(a, b, c, d));

    private static readonly Gen<KeySpan> s_span =
        Gen.Select(s_key, s_key).Select((a, b) => a <= b ? new KeySpan(a, b) : new KeySpan(b, a));

    private static readonly Gen<Voter> s_voter =
        Gen.Select(s_key, Gen.ULong).Select((node, incarnation) => new Voter(node, incarnation));

    private static readonly Gen<Ballot> s_ballot =
        Gen.Select(Gen.ULong, s_voter).Select((counter, proposer) => new Ballot(counter, proposer));

    private static readonly Gen<Lineage> s_lineage =
        Gen.Select(Gen.ULong, Gen.ULong).Select((high, low) => new Lineage(high, low));

    private static readonly Gen<View> s_view = Gen
        .Select(
            s_lineage, Gen.ULong, s_voter.Array[1, View.VotersMax], s_lineage.Array[0, View.AncestorsMax])
        .Select((lineage, epoch, voters, ancestors) => new View(
            lineage, epoch, voters.DistinctBy(voter => voter.Node), ancestors));

    private static readonly Gen<Piece> s_piece = Gen
        .Select(s_view, s_ballot, s_ballot, Gen.ULong, s_view, Gen.Bool)
        .Select((view, promised, standing, epoch, next, hasNext) => new Piece(
            view, promised, standing, epoch, hasNext ? new NextView(promised, next) : null));

    private static readonly Gen<RegisterVersion> s_version =
        Gen.Select(s_ballot, Gen.ULong).Select((ballot, sequence) => new RegisterVersion(ballot, sequence));

    private static readonly Gen<Register> s_register = Gen.Select(
        s_version,
        Gen.Byte.Array[0, 300],
        Gen.Bool,
        Gen.Select(Gen.ULong, s_version, Gen.Long).Array[0, Register.AppliedMax])
        .Select((version, value, isDeleted, applied) => new Register(
            version,
            value,
            isDeleted,
            [
                .. applied.Select(one => new AppliedOperation(
                    new OperationId(one.Item1, 3), one.Item2, one.Item3)),
            ]));

    [Fact]
    public void Requests_to_voters_come_back_as_they_went() =>
        Gen.Select(s_span, s_ballot, s_voter, s_view, s_view, s_lineage).Sample((span, ballot, to, view, v, l)
            =>
        {
            var terms = new LeaseTerms(span, TimeSpan.FromMilliseconds(300), TimeSpan.Zero);
            VoterRequest[] requests =
            [
                new Prepare(span, ballot, l),
                new Prepare(span, ballot, l, view),
                new Stand(span, ballot, view),
                new Confirm(ballot, terms),
                new Adopt(span, ballot, view, v),
                new Decide(span, ballot, view),
                new Resign(span, ballot),
            ];
            foreach (VoterRequest request in requests)
            {
                Assert.Equal(new AskedVoter(to.Incarnation, request), AfterTheWire(to, request));
            }
        });

    [Fact]
    public void Stores_come_back_as_they_went() =>
        Gen.Select(s_key, s_ballot, s_voter, s_register, s_span).Sample((key, ballot, to, register, span) =>
        {
            var terms = new LeaseTerms(span, TimeSpan.FromMilliseconds(1), TimeSpan.Zero);
            var store = new StoreRegister(key, ballot, register, terms);
            var read = Assert.IsType<StoreRegister>(AfterTheWire(to, store).Request);
            Assert.Equal((key, ballot, terms), (read.Key, read.Ballot, read.Terms));
            AssertSame(register, read.Register);
            Assert.Null(Assert.IsType<StoreRegister>(
                AfterTheWire(to, store with { Register = null }).Request).Register);
        });

    [Fact]
    public void Answers_of_voters_come_back_as_they_went() =>
        Gen.Select(s_voter, s_ballot, Gen.Select(s_span, s_piece).Array[0, 9]).Sample((from, promised, list)
            =>
        {
            var request = new Resign(new KeySpan(Key.Zero, Key.Max), promised);
            var reply = new VoterReply(from, request, VoterVerdict.Leased)
            {
                Promised = promised,
                Lease = TimeSpan.FromMilliseconds(1500),
                Votes = [.. list.Select(piece => new PieceVote(piece.Item1, piece.Item2))],
            };
            var buffer = new PayloadBuffer();
            VoterMessages.WriteReply(buffer, reply);
            VoterAnswer answer = Read(buffer, MessageKind.Voted, VoterMessages.ReadReply);
            Assert.Equal(reply.Votes, answer.Votes);
            Assert.Equal(reply with { Votes = answer.Votes }, answer.To(request));
        });

    [Fact]
    public void Transfers_and_tellings_come_back_as_they_went() =>
        Gen.Select(s_voter, s_ballot, s_span, s_version, s_register, s_piece).Sample(
            (from, ballot, span, version, register, piece) =>
            {
                var buffer = new PayloadBuffer();
                var list = new ListRegisters(5, span, ballot);
                TransferMessages.Write(buffer, list);
                Assert.Equal(
                    list, Read(buffer, MessageKind.ListRegisters, TransferMessages.ReadListRegisters));

                (Key, RegisterVersion)[] versions = [(span.First, version), (span.Last, version)];
                TransferMessages.Write(buffer, new RegisterList(from, true, span.Last, versions));
                RegisterList listed = Read(
                    buffer, MessageKind.RegisterList, TransferMessages.ReadRegisterList);
                Assert.Equal((from, true, span.Last), (listed.From, listed.IsPromised, listed.Last));
                Assert.Equal(versions, listed.Registers);

                TransferMessages.Write(buffer, new FetchRegisters(5, span, ballot, [span.First, span.Last]));
                FetchRegisters fetch = Read(
                    buffer, MessageKind.FetchRegisters, TransferMessages.ReadFetchRegisters);
                Assert.Equal([span.First, span.Last], fetch.Keys);

                TransferMessages.Write(buffer, new RegisterContents(from, [register, null]));
                RegisterContents contents =
                    Read(buffer, MessageKind.RegisterContents, TransferMessages.ReadRegisterContents);
                AssertSame(register, contents.Registers[0]);
                Assert.Null(contents.Registers[1]);

                var told = new ToldPiece(new PieceVote(span, piece), Leadership.Over);
                PieceMessages.Write(buffer, new TellPieces(from, 7, ballot, [told]));
                TellPieces tell = Read(buffer, MessageKind.TellPieces, PieceMessages.ReadTellPieces);
                Assert.Equal((from, 7UL, ballot), (tell.From, tell.Revision, tell.Floor));
                Assert.Equal([told], tell.Pieces);
                PieceMessages.Write(buffer, new TellPieces(from, 7, ballot, null));
                Assert.Null(Read(buffer, MessageKind.TellPieces, PieceMessages.ReadTellPieces).Pieces);
                PieceMessages.Write(buffer, new PiecesTold(from, true));
                Assert.Equal(
                    new PiecesTold(from, true),
                    Read(buffer, MessageKind.PiecesTold, PieceMessages.ReadPiecesTold));
            });

    [Fact]
    public void Calls_and_their_answers_come_back_as_they_went() =>
        Gen.Select(s_key, s_ballot, s_version, Gen.Byte.Array[0, 50], Gen.Int[0, 3]).Sample(
            (key, reign, version, value, kind) =>
            {
                var operation = new RegisterOperation
                {
                    Id = new OperationId(1, 2),
                    StartedAtUnixMs = 5,
                    Reign = reign,
                    Key = key,
                    IsRead = kind == 0,
                    IsDelete = kind == 1,
                    Value = value,
                    Condition = kind == 0 ? null : new RegisterCondition(kind == 1 ? null : version.Stamp),
                };
                var buffer = new PayloadBuffer();
                RegisterMessages.Write(buffer, new CallRegister(operation, TimeSpan.FromSeconds(2), 3));
                CallRegister call = Read(buffer, MessageKind.CallRegister, RegisterMessages.ReadCallRegister);
                Assert.Equal(operation with { Value = default }, call.Operation with { Value = default });
                Assert.True(call.Operation.Value.Span.SequenceEqual(value));
                Assert.Equal((TimeSpan.FromSeconds(2), 3), (call.Budget, call.Hops));

                var answered = new RegisterAnswered(
                    RegisterOutcome.Read, version.Stamp, value, reign, 3, true, "so");
                RegisterMessages.Write(buffer, answered);
                RegisterAnswered read = Read(
                    buffer, MessageKind.RegisterAnswered, RegisterMessages.ReadRegisterAnswered);
                Assert.True(read.Value!.Value.Span.SequenceEqual(value));
                Assert.Equal(answered with { Value = null }, read with { Value = null });
                RegisterMessages.Write(buffer, answered with { Value = null });
                Assert.Null(Read(
                    buffer, MessageKind.RegisterAnswered, RegisterMessages.ReadRegisterAnswered).Value);
            });

    [Fact]
    public void Log_entries_come_back_as_they_went() =>
        Gen.Select(s_span, s_piece, s_ballot, s_register).Sample((span, piece, floor, register) =>
        {
            var change = new PieceChange(span, piece, floor);
            Assert.Equal(change, VoterLogCodec.Decode(VoterLogCodec.Encode(change)).Piece);
            change = change with { Piece = null };
            Assert.Equal(change, VoterLogCodec.Decode(VoterLogCodec.Encode(change)).Piece);
            VoterLogEntry entry = VoterLogCodec.Decode(VoterLogCodec.Encode(span.First, register));
            Assert.Equal(span.First, entry.Key);
            AssertSame(register, entry.Register);
        });

    [Fact]
    public void Further_fields_of_parts_are_passed_over()
    {
        var view = new View(new Lineage(1, 2), 3, [new Voter(Key.Max, 4)]);
        var buffer = new PayloadBuffer();
        MessagePackWriter writer = buffer.Begin(MessageKind.Stand, 2);
        writer.WriteArrayHeader(6);
        VoterParts.Write(ref writer, view.Lineage);
        writer.Write(view.Epoch);
        writer.WriteArrayHeader(2);
        VoterParts.Write(ref writer, view.Voters[0]);
        writer.WriteArrayHeader(0);
        writer.Write("new");
        writer.Write(77);
        writer.Flush();
        var reader = new MessagePackReader(buffer.Written);
        CommonMessages.ReadKind(ref reader);
        Assert.Equal(view, VoterParts.ReadView(ref reader));
        Assert.Equal(77, reader.ReadInt32());
    }

    [Fact]
    public void What_is_too_much_is_no_message()
    {
        var version = new RegisterVersion(new Ballot(1, new Voter(Key.Max, 2)), 3);
        var large = new Register(version, new byte[VoterParts.ValueBytesMax + 1], false, []);
        var buffer = new PayloadBuffer();
        TransferMessages.Write(buffer, new RegisterContents(new Voter(Key.Max, 2), [large]));
        Assert.False(IsMessage(buffer, TransferMessages.ReadRegisterContents));

        var many = Enumerable.Repeat((Key.Max, version), TransferMessages.CountMax + 1).ToArray();
        TransferMessages.Write(buffer, new RegisterList(new Voter(Key.Max, 2), true, Key.Max, many));
        Assert.False(IsMessage(buffer, TransferMessages.ReadRegisterList));

        // A key that the asker has no promise of is not given away.
        var half = new KeySpan(Key.Zero, Key.PowerOfTwo(255));
        TransferMessages.Write(buffer, new FetchRegisters(1, half, version.Ballot, [Key.Max]));
        Assert.False(IsMessage(buffer, TransferMessages.ReadFetchRegisters));

        TransferMessages.Write(buffer, new ListRegisters(1, new KeySpan(Key.Max, Key.Zero), version.Ballot));
        Assert.False(IsMessage(buffer, TransferMessages.ReadListRegisters));

        var forever = new LeaseTerms(half, GrantedLeases.LengthMax + TimeSpan.FromTicks(1), TimeSpan.Zero);
        VoterMessages.Write(buffer, new Voter(Key.Max, 2), new Confirm(version.Ballot, forever));
        Assert.False(IsMessage(
            buffer, (ref MessagePackReader reader) => VoterMessages.Read(MessageKind.Confirm, ref reader)));
    }

    [Fact]
    public void Messages_that_are_cut_off_are_none() =>
        Gen.Select(s_span, s_ballot, s_voter, s_view, Gen.Double[0, 1]).Sample((span, ballot, to, view, at) =>
        {
            var buffer = new PayloadBuffer();
            VoterMessages.Write(buffer, to, new Adopt(span, ballot, view, view));
            ReadOnlyMemory<byte> whole = buffer.Written;
            ReadOnlyMemory<byte> cut = whole[..(int)(at * (whole.Length - 1))];
            Assert.False(Decoding.TryRead(
                cut,
                (ref MessagePackReader reader) => VoterMessages.Read(MessageKind.Adopt, ref reader),
                out _,
                out _));
        });

    [Fact]
    public void Stamp_is_read_back_from_its_text()
    {
        var stamp = new RegisterStamp(12, 345, 0xabc);
        Assert.Equal("12-345-0000000000000abc", stamp.ToString());
        Assert.True(RegisterStamp.TryParse(stamp.ToString(), out RegisterStamp read));
        Assert.Equal(stamp, read);
        Assert.All(
            ["", "1-2", "1-2-3", "a-2-0000000000000abc", "1-2-0000000000000abg", "1-+2-0000000000000abc"],
            text => Assert.False(RegisterStamp.TryParse(text, out _)));
    }

    private static AskedVoter AfterTheWire(Voter to, VoterRequest request)
    {
        var buffer = new PayloadBuffer();
        VoterMessages.Write(buffer, to, request);
        Assert.True(Decoding.TryReadKind(buffer.Written, out MessageKind kind, out _));
        Assert.True(VoterMessages.IsRequest(kind));
        return Read(buffer, kind, (ref MessagePackReader reader) => VoterMessages.Read(kind, ref reader));
    }

    // The message is read as what it is, and is one value of MessagePack from end to end.
    private static T Read<T>(PayloadBuffer buffer, MessageKind kind, FieldsReading<T> fields)
    {
        Assert.True(Decoding.TryRead(buffer.Written, kind, fields, out T? message));
        var reader = new MessagePackReader(buffer.Written);
        reader.Skip();
        Assert.True(reader.End);
        return message;
    }

    private static bool IsMessage<T>(PayloadBuffer buffer, FieldsReading<T> fields) =>
        Decoding.TryRead(buffer.Written, fields, out _, out _);

    private static void AssertSame(Register expected, Register? actual)
    {
        Assert.NotNull(actual);
        Assert.True(expected.Value.Span.SequenceEqual(actual.Value.Span));
        Assert.Equal(expected.Applied.ToArray(), actual.Applied.ToArray());
        Assert.Equal((expected.Version, expected.IsDeleted), (actual.Version, actual.IsDeleted));
    }
}
