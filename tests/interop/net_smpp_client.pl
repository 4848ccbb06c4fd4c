#!/usr/bin/perl
# Net::SMPP as a client; options, files and output as node_client.js.
#   net_smpp_client.pl --port N --system-id ID --password SECRET --messages FILE --mo COUNT --timeout SECONDS
use strict;
use warnings;
use Encode qw(encode decode);
use IO::Select;
use JSON::PP;
use Net::SMPP;

my %o = (host => '127.0.0.1', @ARGV);
%o = map { my $name = $_; (my $plain = $name) =~ s/^--//; $plain => $o{$name} } keys %o;
$| = 1;
my $json = JSON::PP->new->utf8->canonical;
sub emit { my ($event, %fields) = @_; print $json->encode({ event => $event, %fields }), "\n" }

# GSM 03.38 for the characters the tests use.
my %basic = ("\@" => "\x00", "\$" => "\x02", "\x{e9}" => "\x05", "\x{f6}" => "\x7c", "\x{e4}" => "\x7b",
             "\x{fc}" => "\x7e", "_" => "\x11");
my %extended = ("\x{20ac}" => "\x65", "{" => "\x28", "}" => "\x29", "[" => "\x3c", "]" => "\x3e");
my %from_basic = reverse %basic;
my %from_extended = reverse %extended;

sub to_octets {
  my ($text, $coding) = @_;
  return encode('UTF-16BE', $text) if $coding == 8;
  return join '', map { exists $extended{$_} ? "\x1b$extended{$_}" : $basic{$_} // chr(ord $_) } split //, $text;
}
sub to_text {
  my ($octets, $coding) = @_;
  return decode('UTF-16BE', $octets) if $coding == 8;
  $octets =~ s/\x1b(.)|(.)/defined $1 ? $from_extended{$1} \/\/ '?' : $from_basic{$2} \/\/ $2/gse;
  return $octets;
}

my $reference = 0;
sub parts {
  my ($text, $coding) = @_;
  my $octets = to_octets($text, $coding);
  my ($single, $each) = $coding == 8 ? (140, 134) : (160, 153);
  return ($octets) if length($octets) <= $single;
  my @cut = unpack "(a$each)*", $octets;
  $reference = ($reference + 1) % 256;
  my $number = 0;
  return map { pack('C6', 5, 0, 3, $reference, scalar @cut, ++$number) . $_ } @cut;
}

my %joining;
# The whole text once the last part is there, undef until then.
sub join_parts {
  my ($pdu, $octets) = @_;
  return to_text($octets, $pdu->{data_coding}) unless $pdu->{esm_class} & 0x40;
  my ($header_bytes) = unpack 'C', $octets;
  my @header = unpack 'C*', substr $octets, 1, $header_bytes;
  my $wide = $header[0] == 8;
  my $ref = $wide ? $header[2] * 256 + $header[3] : $header[2];
  my ($total, $number) = @header[$wide ? (4, 5) : (3, 4)];
  my $have = $joining{"$pdu->{source_addr}/$ref/$total"} //= {};
  $have->{$number} = substr $octets, $header_bytes + 1;
  return undef if keys %$have < $total;
  delete $joining{"$pdu->{source_addr}/$ref/$total"};
  return to_text(join('', map { $have->{$_} } 1 .. $total), $pdu->{data_coding});
}

open my $file, '<:raw', $o{messages} or die "$o{messages}: $!";
my $messages = $json->decode(do { local $/; <$file> });

my ($responses, $mo, %waiting, %early, %request) = (0, $o{mo});
my $deadline = time + $o{timeout};

my $smpp = Net::SMPP->new_connect($o{host}, port => $o{port}, async => 1, interface_version => 0x34)
  or do { emit('error', message => "connect: $!"); exit 1 };
$smpp->bind_transceiver(system_id => $o{'system-id'}, password => $o{password}, interface_version => 0x34);
my $bound = $smpp->read_pdu or do { emit('error', message => 'no bind response'); exit 1 };
emit('bound', status => $bound->{status} + 0);
exit 1 if $bound->{status} != 0;

for my $message (@$messages) {
  my @cut = parts($message->{text}, $message->{coding});
  for my $part (0 .. $#cut) {
    my $sequence = $smpp->submit_sm(
      source_addr_ton => 1, source_addr_npi => 1, source_addr => $message->{from},
      dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $message->{to},
      esm_class => @cut > 1 ? 0x40 : 0, data_coding => $message->{coding}, registered_delivery => 1,
      short_message => $cut[$part]);
    $request{$sequence} = { id => $message->{id}, part => $part };
    ++$responses;
  }
}

sub on_receipt {
  my ($pdu, $octets) = @_;
  my ($in_text) = $octets =~ /id:(\S+)/i;
  my ($state) = $octets =~ /stat:(\w+)/i;
  my $id = $pdu->{receipted_message_id} // $in_text;
  $id =~ s/\0$//;
  my $message_state = defined $pdu->{message_state} ? unpack('C', $pdu->{message_state}) : undef;
  emit('receipt', message_id => $id, state => $state, message_state => $message_state);
  $early{$id} = 1 unless delete $waiting{$id};
}

# Net::SMPP uses alarm() for itself, so the deadline is kept by waiting for octets before each read.
my $readable = IO::Select->new($smpp);
while ($responses > 0 || %waiting || $mo > 0) {
  if (!$readable->can_read($deadline - time > 0 ? $deadline - time : 0)) {
    emit('timeout', responses_missing => $responses, receipts_missing => scalar keys %waiting, mo_missing => $mo);
    exit 1;
  }
  my $pdu = $smpp->read_pdu or do { emit('error', message => 'connection lost'); exit 1 };
  my $cmd = $pdu->{cmd};
  if ($cmd == Net::SMPP::CMD_submit_sm_resp) {
    my $request = delete $request{ $pdu->{seq} };
    emit('response', %$request, status => $pdu->{status} + 0, message_id => $pdu->{message_id});
    --$responses;
    $waiting{ $pdu->{message_id} } = 1 if $pdu->{status} == 0 && !delete $early{ $pdu->{message_id} };
  } elsif ($cmd == Net::SMPP::CMD_deliver_sm) {
    $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
    my $octets = length $pdu->{short_message} ? $pdu->{short_message} : $pdu->{message_payload} // '';
    if ($pdu->{esm_class} & 0x04) {
      on_receipt($pdu, $octets);
    } elsif (defined(my $text = join_parts($pdu, $octets))) {
      emit('mo', from => $pdu->{source_addr}, to => $pdu->{destination_addr}, text => $text);
      --$mo;
    }
  } elsif ($cmd == Net::SMPP::CMD_enquire_link) {
    $smpp->enquire_link_resp(seq => $pdu->{seq});
  }
}
emit('done', responses_missing => 0, receipts_missing => 0, mo_missing => 0);
$smpp->unbind;
