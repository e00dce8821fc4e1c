/// A chart as SVG: axes with text, lines that differ in dash as well as in colour, a title and a
/// description for those who cannot see it. Coordinates are integers: tenths of a unit.
struct SVGChart {
  /// A line through points, left to right.
  struct Line {
    var name: String
    /// Which of the styles `l0` … `l5` it has.
    var style: Int
    /// Position from the left and from the bottom. Unit: thousandths of the plot.
    var points: [(x: Int64, y: Int64)]
  }

  /// A mark on an axis.
  struct Tick {
    /// Unit: thousandths of the axis.
    var at: Int64
    var text: String
  }

  /// Unique in the page.
  var id: String
  var title: String
  var description: String
  var xName: String
  var xTicks: [Tick] = []
  var yTicks: [Tick] = SVGChart.percentTicks
  var lines: [Line] = []
  /// Bars of equal width. Unit: thousandths of the height.
  var bars: [Int64] = []
  /// A line from bottom to top with a name.
  var limit: Tick?
  /// Whether the lines are named beside the plot.
  var hasLegend = true

  /// 0 % to 100 % of the height.
  static let percentTicks = [0, 250, 500, 750, 1000].map { Tick(at: $0, text: "\($0 / 10) %") }

  // The plot within the picture. Unit: tenths of a unit.
  private let left: Int64 = 480
  private let top: Int64 = 120
  private let width: Int64 = 3_600
  private let height: Int64 = 1_600

  private func x(_ thousandths: Int64) -> String { Self.tenths(left + width * thousandths / 1000) }
  private func y(_ thousandths: Int64) -> String {
    Self.tenths(top + height - height * thousandths / 1000)
  }

  private static func tenths(_ value: Int64) -> String {
    "\(value < 0 ? "-" : "")\(value.magnitude / 10).\(value.magnitude % 10)"
  }

  /// The picture.
  var svg: String {
    let names = hasLegend ? lines.map(\.name) : []
    let depth = 216 + 16 * Int64((names.count + 1) / 2)
    let (heading, text) = (HTMLText.escaped(title), HTMLText.escaped(description))
    return """
      <svg viewBox="0 0 440 \(depth)" role="img" aria-labelledby="\(id)-t \(id)-d">
      <title id="\(id)-t">\(heading)</title><desc id="\(id)-d">\(text)</desc>
      \(axes)\(shapes)\(legend(names))</svg>

      """
  }

  private var axes: String {
    var text = ""
    for tick in yTicks {
      text += "<path class=\"grid\" d=\"M\(x(0)) \(y(tick.at))H\(x(1000))\"/>"
      text += "<text class=\"end\" x=\"\(Self.tenths(left - 50))\" y=\"\(y(tick.at))\" dy=\"3\">"
      text += "\(HTMLText.escaped(tick.text))</text>\n"
    }
    for tick in xTicks {
      text += "<path class=\"grid\" d=\"M\(x(tick.at)) \(y(0))V\(y(1000))\"/>"
      text += "<text class=\"mid\" x=\"\(x(tick.at))\" y=\"\(y(0))\" dy=\"13\">"
      text += "\(HTMLText.escaped(tick.text))</text>\n"
    }
    text += "<text class=\"mid\" x=\"\(x(500))\" y=\"\(y(0))\" dy=\"27\">"
    return text + "\(HTMLText.escaped(xName))</text>\n"
  }

  private var shapes: String {
    var text = ""
    for (index, bar) in bars.enumerated() where bar > 0 {
      let from = Int64(index) * 1000 / Int64(bars.count)
      let to = Int64(index + 1) * 1000 / Int64(bars.count) - 3
      text += "<path class=\"bar\" d=\"M\(x(from)) \(y(0))V\(y(bar))H\(x(to))V\(y(0))Z\"/>\n"
    }
    if let limit {
      text += "<path class=\"limit\" d=\"M\(x(limit.at)) \(y(0))V\(y(1000))\"/>"
      text += "<text class=\"end\" x=\"\(x(limit.at - 10))\" y=\"\(y(940))\">"
      text += "\(HTMLText.escaped(limit.text))</text>\n"
    }
    for line in lines where !line.points.isEmpty {
      let path = line.points.map { "\(x($0.x)) \(y($0.y))" }.joined(separator: "L")
      text += "<path class=\"line l\(line.style)\" d=\"M\(path)\"/>\n"
    }
    return text
  }

  /// Names in two columns, each behind a piece of its line.
  private func legend(_ names: [String]) -> String {
    var text = ""
    for (index, name) in names.enumerated() {
      let across = left + Int64(index % 2) * 1_800
      let down = 2_170 + Int64(index / 2) * 160
      let (from, at) = (Self.tenths(across), Self.tenths(down - 30))
      text += "<path class=\"line l\(lines[index].style)\" d=\"M\(from) \(at)h28\"/>"
      text += "<text x=\"\(Self.tenths(across + 340))\" y=\"\(Self.tenths(down))\">"
      text += "\(HTMLText.escaped(name))</text>\n"
    }
    return text
  }
}

/// Text that others gave, in a page.
enum HTMLText {
  /// Everything that means something in HTML or SVG is escaped; what hides or turns text around is
  /// replaced.
  static func escaped(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
          result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
  }
}
